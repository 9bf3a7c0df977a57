// Chat templates: texts are those of Transformers 5.23 (apply_chat_template) and jinja2 3.1 for the same templates.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "models/chat/chat.h"
#include "tests/support/folder.h"

typedef struct Case {
    const char *text, *wanted;
} Case;

static const char messages[] =
    "[{\"role\": \"system\", \"content\": \" Be brief. \"}, {\"role\": \"user\", \"content\": \"Hi\"},"
    " {\"role\": \"assistant\", \"content\": \"<think>\\nhm\\n</think>\\n\\nYes?\"}]";

// The text that the template makes; else "error: " and the message. Valid until the next call.
static const char *rendered(const char *text)
{
    static char out[4096];
    Arena arena = {0};
    Error err = {0};
    Buffer buffer = {0};
    ChatTemplate chat = {.specials = {{.name = "bos_token", .text = SLICE("<s>")}},
                         .n_specials = 1};
    const ChatRequest request = {
        .messages = slice_from_cstr(messages),
        .tools = SLICE("[{\"name\": \"f\", \"n\": [1, 2.5, null]}]"),
        .variables = SLICE("{\"enable_thinking\": false}"),
    };
    Status s = jinja_parse(&arena, SLICE("t"), slice_from_cstr(text), &chat.template, &err);
    if (s == STATUS_OK) s = chat_render(&chat, &request, &buffer, &err);
    if (s == STATUS_OK)
        snprintf(out, sizeof out, SLICE_FMT, SLICE_ARG(buffer_slice(&buffer)));
    else
        snprintf(out, sizeof out, "error: %s", err.text);
    cr_expect(s == STATUS_OK || s == STATUS_INVALID);
    buffer_release(&buffer);
    arena_release(&arena);
    return out;
}

static void check(const Case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *ours = rendered(cases[i].text);
        cr_expect_str_eq(ours, cases[i].wanted, "%s\ngives  %s\nwanted %s", cases[i].text, ours,
                         cases[i].wanted);
    }
}

Test(chat, templates_of_known_families_give_their_texts)
{
    static const Case cases[] = {
        {"{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = "
         "'<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + "
         "'<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content "
         "}}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' "
         "}}{% endif %}",
         "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user"
         "<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n<think>\nhm\n"
         "</think>\n\nYes?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"},
        {"{%- set ns = namespace(last=messages|length - 1) %}\n"
         "{%- for message in messages[::-1] %}\n"
         "    {%- set index = (messages|length - 1) - loop.index0 %}\n"
         "    {%- if message.role == \"user\" and message.content is string and "
         "not(message.content.startswith('<tool>')) %}\n"
         "        {%- set ns.last = index %}\n"
         "    {%- endif %}\n"
         "{%- endfor %}\n"
         "{{- ns.last }}|{{ messages[2].content.split('</think>')[0].rstrip('\\n').split('<think>')[-1]"
         ".lstrip('\\n') }}|\n"
         "{%- if enable_thinking is defined and enable_thinking is false %}off{%- endif %}\n",
         "1|hm|off"},
        {"{% if tools %}{{ tools[0] | tojson }}{{ tools | tojson(indent=2) }}{% endif %}",
         "{\"name\": \"f\", \"n\": [1, 2.5, null]}[\n  {\n    \"name\": \"f\",\n    \"n\": [\n      1,\n      "
         "2.5,\n      null\n    ]\n  }\n]"},
    };
    check(cases, sizeof cases / sizeof *cases);
}

Test(chat, expressions_mean_what_they_mean_in_jinja)
{
    static const Case cases[] = {
        {"{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 1e3 }} {{ 1 ~ none }}",
         "3 -4 2 3.5 1024 1000.0 1None"},
        {"{{ 1 < 2 < 3 }} {{ 3 in [1, 3] }} {{ 'a' not in 'bcd' }} {{ not false and true or x }}",
         "True True True True"},
        {"{{ 'abc'[::-1] }} {{ 'Ünïx'[1:3] }} {{ [1, 2.5, 'q\"', none] }} {{ {'a': (1, 2)} }}",
         "cba nï [1, 2.5, 'q\"', None] {'a': [1, 2]}"},
        {"{{ 'a' if false }}|{{ missing | default('d') }}|{{ missing }}|{{ ' x '.strip() | upper }}",
         "|d||X"},
        {"{% for k, v in {'p': 1, 'q': 2}.items() %}{{ k }}={{ v }}{{ ';' if not loop.last }}{% endfor %}",
         "p=1;q=2"},
        {"{% for i in range(9) if i % 2 %}{% if i > 5 %}{% break %}{% endif %}{{ loop.length }}{% endfor %}",
         "444"},
        {"{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}", "1"},
        {"{% set b %}in {{ 1 + 1 }}{% endset %}{{ b }}", "in 2"},
        {"{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | join(',') }}",
         "Hi"},
        {"  {% if true %}\n a\n  {% endif %}\n{#- c #}\nb\n", " a\nb"},
        {"{{ 'a' }}\n  {% if 1 -%}\n\n  b\n{% endif +%}\n c", "a\nb\n\n c"},
        {"a {#- x -#}  b", "ab"},
        {"x  {%- if true -%}  y  {%+ endif %}\nz", "xy  z"},
        {"{{ strftime_now is defined }} {{ strftime_now('%Y-%m-%d') }}", "False 2025-01-01"},
        {"{% set strftime_now = '2024-02-29' %}{{ strftime_now('%A %d %B %Y, %a %b %y %j %-m 100%%') }}",
         "Thursday 29 February 2024, Thu Feb 24 060 2 100%"},
    };
    check(cases, sizeof cases / sizeof *cases);
}

// As Jinja 3.1 has them.
Test(chat, macros_take_arguments_and_blocks)
{
    static const Case cases[] = {
        {"{% macro f(a, b='x', c=a) %}<{{ a }}{{ b }}{{ c }}>{% endmacro %}{{ f(1) }}{{ f(1, 2) }}{{ "
         "f(b=3, a=4) }}{{ f() }}",
         "<1x1><121><434><x>"},
        {"{%- macro r(n) -%}{{ n }}{% if n > 0 %},{{ r(n - 1) }}{% endif %}{%- endmacro -%} {{ r(3) }}",
         "3,2,1,0"},
        {"{% macro w(tag) %}<{{ tag }}>{{ caller(tag|upper, 2) }}</{{ tag }}>{% endmacro %}"
         "{% set x = 'out' %}{% for i in [1, 2] %}{% call(t, n) w('b') %}{{ t }}{{ n }}{{ i }}{{ x }}{% "
         "endcall %}{% endfor %}",
         "<b>B21out</b><b>B22out</b>"},
        {"{% macro f() %}{{ later }}{% endmacro %}{% set later = 'L' %}{{ f() }} {{ f is callable }}",
         "L True"},
        {"{% set ns = namespace(n=0) %}{% macro count() %}{% set ns.n = ns.n + 1 %}{% endmacro %}{{ "
         "count() }}{{ count() }}{{ ns.n }}",
         "2"},
    };
    check(cases, sizeof cases / sizeof *cases);
}

Test(chat, lists_are_sorted_and_boiled_down)
{
    static const Case cases[] = {
        {"{{ [3, 1, 2]|sort|join(',') }} {{ ['b', 'A', 'c']|sort|join }} {{ ['b', 'A']|sort(reverse=true)"
         "|join }} {{ ['b', 'A']|sort(case_sensitive=true)|join }}",
         "1,2,3 Abc bA Ab"},
        {"{{ [{'k': 2, 'v': 'a'}, {'k': 1, 'v': 'b'}]|sort(attribute='k')|map(attribute='v')|join }}",
         "ba"},
        {"{% for k, v in {'b': 1, 'a': 2}|dictsort %}{{ k }}{{ v }}{% endfor %} {% for k, v in {'b': 1, "
         "'a': 2}|dictsort(by='value') %}{{ k }}{{ v }}{% endfor %}",
         "a2b1 b1a2"},
        {"{{ [1, 1, 2]|unique|list }} {{ ['a', 'A', 'b']|unique|join }} {{ [1, 2, 3]|sum }} {{ [1, 5, "
         "2]|max }} {{ ['b', 'A']|min }}",
         "[1, 2] ab 6 5 A"},
        {"{{ 'a\nb\n\nc'|indent(2) }}|{{ 'a\nb'|indent(1, first=true) }}|{{ \"<'&\"|e }}|{{ 2.5|round }}",
         "a\n  b\n\n  c| a\n b|&lt;&#39;&amp;|2.0"},
    };
    check(cases, sizeof cases / sizeof *cases);
}

Test(chat, what_is_wrong_is_told_with_its_line)
{
    static const Case cases[] = {
        {"a\n{{ 1 + }}", "error: t:2: found }}, want an expression"},
        {"{% if x %}", "error: t:1: this if has no endif"},
        {"\n\n{% include 'a' %}",
         "error: t:3: \"include\" is not supported here: known are if, for, set, break, continue, "
         "macro, call and generation"},
        {"{% macro f(a) %}{{ f(a) }}{% endmacro %}{{ f(1) }}",
         "error: t:1: macros call one another more than 50 times deep"},
        {"{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}",
         "error: t:1: macro \"f\" takes 1 arguments, not 2"},
        {"{% macro f(a) %}{% endmacro %}{{ f(b=2) }}",
         "error: t:1: macro \"f\" has no parameter \"b\""},
        {"{% macro f(a) %}{% endmacro %}{{ f(1, a=2) }}", "error: t:1: \"a\" is given twice"},
        {"{% for a in [1] %}{% macro f() %}{% break %}{% endmacro %}{% endfor %}",
         "error: t:1: break and continue stand in loops"},
        {"{% call f() %}{% endcall %}", "error: t:1: what is called with a block must be a macro"},
        {"{% macro f() %}", "error: t:1: this macro has no endmacro"},
        {"{{ raise_exception('roles must alternate') }}",
         "error: t:1: the template refuses this conversation: roles must alternate"},
        {"\n{{ missing.member }}", "error: t:2: 'missing' is undefined"},
        {"{{ 'a' + 1 }}", "error: t:1: a text and a number do not go together in this operation"},
        {"{{ 1 // 0 }}", "error: t:1: division by zero"},
        {"{{ strftime_now('%Q') }}",
         "error: t:1: strftime_now: the format \"%Q\" is not supported"},
        {"{% set strftime_now = '2023-02-29' %}{{ strftime_now('%d') }}",
         "error: t:1: strftime_now wants a day such as \"2025-08-05\""},
        {"{{ x | frobnicate }}", "error: t:1: there is no filter \"frobnicate\""},
        {"{{ 1234567 ** 9 }}", "error: t:1: a number becomes too large"},
        {"{{ 'aaaaaaaaaa' * 99999999 }}",
         "error: t:1: the template makes more than 64 MiB of values"},
        {"{% for i in range(4000) %}{% for j in range(4000) %}{% endfor %}{% endfor %}",
         "error: t:1: the template makes more than 64 MiB of values"},
    };
    check(cases, sizeof cases / sizeof *cases);
    char deep[512];
    memset(deep, '(', sizeof deep - 1);
    memcpy(deep, "{{ ", 3);
    deep[sizeof deep - 1] = '\0';
    cr_expect_str_eq(rendered(deep), "error: t:1: a tag that begins here does not end");
    memcpy(deep + sizeof deep - 4, " }}", 4);
    cr_expect(strncmp(rendered(deep), "error: t:1: ", 12) == 0, "%s", rendered(deep));
}

Test(chat, a_template_is_found_in_each_of_its_places)
{
    static const struct {
        const char *file, *text;
    } cases[] = {
        {"tokenizer_config.json",
         "{\"chat_template\": \"{{ eos_token }}A\", \"eos_token\": \"E\"}"},
        {"tokenizer_config.json",
         "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"B\"}, {\"name\": \"default\", "
         "\"template\": \"{{ eos_token }}A\"}], \"eos_token\": {\"content\": \"E\"}}"},
        {"chat_template.json", "{\"chat_template\": \"EA\"}"},
        {"chat_template.jinja", "EA\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *folder = folder_make();
        Arena arena = {0};
        Error err = {0};
        Buffer out = {0};
        ChatTemplate chat = {0};
        const ChatRequest request = {.messages = SLICE("[{\"role\": \"user\"}]")};
        folder_write(folder, cases[i].file, cases[i].text);
        cr_assert_eq(chat_open(&arena, folder, NULL, &chat, &err), STATUS_OK, "%s", err.text);
        cr_assert_eq(chat_render(&chat, &request, &out, &err), STATUS_OK, "%s", err.text);
        cr_expect(slice_eq(buffer_slice(&out), SLICE("EA")), "case %zu", i);
        buffer_release(&out);
        arena_release(&arena);
        folder_remove(folder);
    }
}
