// A template and, after a NUL, a conversation: no bytes crash the reader of templates or their running, and what is refused is
// refused with a reason.
#include <stdlib.h>

#include "models/chat/chat.h"
#include "tests/fuzz/fuzz.h"

#define MESSAGES                                                                               \
    "\0[{\"role\": \"user\", \"content\": \" a\\n\"}, {\"role\": \"assistant\", \"content\": " \
    "[{\"type\": \"text\", \"text\": \"b\"}], \"n\": -1.5}]"

const Slice fuzz_seeds[] = {
    SLICE_LIT(
        "{{- bos_token }}\n{% set ns = namespace(n=0) %}\n{%- for m in messages[::-1] if m.role != 'x' "
        "-%}\n  {% set ns.n = ns.n + loop.index0 %}{{ m['content'] | trim ~ loop.last }}{% else %}none{% "
        "endfor %}{# c #}{% if ns.n > 1 and not tools %}{{ ns.n // 2 }}{% elif x is defined %}{{ "
        "raise_exception('no') }}{% else %}{{ [1, 2.5][-1] }}{% endif %}" MESSAGES),
    SLICE_LIT(
        "{% for k, v in messages[0].items() %}{{ k + '=' + v.strip(' \\n').split('a')[0] if v is string else v | "
        "tojson(indent=2) }}{% if loop.first %}{% continue %}{% endif %}{% break %}{% endfor %}" MESSAGES),
    SLICE_LIT(
        "{% set t %}{{ messages | map(attribute='role') | join(', ') | upper }}{% endset %}{{ t[1:-1:2] }}{{ "
        "messages | selectattr('role', 'equalto', 'user') | list | length }}{{ {'a': (1, 2)} }}{{ 7 % -2 < 3 <= "
        "4 or -2 ** 2 }}{{ range(3) | reverse }}{{ 'x' * 3 }}" MESSAGES),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Slice rest = {(const char *)data, size}, text = {0};
    Arena arena = {0};
    Error err = {0};
    Buffer out = {0};
    ChatTemplate chat = {0};
    (void)slice_split(&rest, '\0', &text);
    Status s = jinja_parse(&arena, SLICE("fuzz"), text, &chat.template, &err);
    const ChatRequest request = {.messages = rest};
    if (s == STATUS_OK) s = chat_render(&chat, &request, &out, &err);
    if (s != STATUS_OK && err.text[0] == '\0') abort();
    buffer_release(&out);
    arena_release(&arena);
    return 0;
}
