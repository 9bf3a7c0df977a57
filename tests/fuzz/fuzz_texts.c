// Preparation of texts, copies with words changed, and the search for personal data: no bytes crash them, and places stay inside their text.
#include "base/unicode.h"
#include "datasets/augment.h"
#include "datasets/personal.h"
#include "datasets/steps.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

const Slice fuzz_seeds[] = {
    SLICE_LIT("Don't mail john.smith@example.com, +49 (0)30 123456-78!"),
    SLICE_LIT("DE89 3704 0044 0532 0130 00 GB82WEST12345698765432 RSSMRA85T10A562S"),
    SLICE_LIT("4111 1111 1111 1111 378282246310005 123-45-6789 AB123456C 12345678Z X1234567L"),
    SLICE_LIT("2001:db8::1 192.168.0.1 ::ffff:192.0.2.128 (212) 555-0123 0049 30 1234567"),
    SLICE_LIT("255081416802538 756.9217.0769.85 85.07.30-033.28 44051401359 811228-9874"),
    SLICE_LIT("131052-308T 529.982.247-25 11010519491231002X 86095742719"),
    SLICE_LIT(
        "\xe2\x80\x9cit\xe2\x80\x99s\xe2\x80\x9d \xef\xac\x81 e\xcc\x81 \xce\xa3 \xea\xb0\x80 https://a.b/c @me"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

static void look_through(Slice text)
{
    PersonalScan scan = {.text = text};
    PersonalFind find;
    Buffer masked = {0};
    size_t last = 0;
    while (personal_next(&scan, &find)) {
        if (find.kind >= personal_kinds_count) abort();
        if (find.begin < last || find.end <= find.begin || find.end > text.len) abort();
        last = find.end;
        buffer_clear(&masked);
        personal_mask(slice_sub(text, find.begin, find.end), &masked);
        if (masked.len == 0 ||
            slice_eq(buffer_slice(&masked), slice_sub(text, find.begin, find.end)))
            abort();
    }
    buffer_release(&masked);
}

static void prepare(Slice text)
{
    Arena arena = {0};
    Error err = {0};
    for (size_t i = 0; i < steps_count; i++) {
        const size_t middle = text.len / 2;
        TextSpan spans[] = {{0, middle}, {middle, text.len}, {0, text.len}};
        Slice out;
        if (steps_text(&steps_all[i], 1, text, spans, 3, &arena, &out, &err) != STATUS_OK) abort();
        if (utf8_invalid_at(out) != SIZE_MAX) abort();
        for (size_t k = 0; k < 3; k++) {
            if (spans[k].begin > spans[k].end || spans[k].end > out.len) abort();
        }
        if (text.len > 0 && (spans[2].begin != 0 || spans[2].end != out.len)) abort();
    }
    Slice all;
    if (steps_text(steps_all, steps_count, text, NULL, 0, &arena, &all, &err) != STATUS_OK) abort();
    arena_release(&arena);
}

// Words exchanged or left out: the answer in the middle of the passage stands where the copy says.
static void augment(Slice text)
{
    Arena arena = {0};
    Error err = {0};
    size_t begin = text.len / 3, end = text.len - text.len / 3;
    while (begin < end && ((unsigned char)text.ptr[begin] & 0xC0) == 0x80) begin++;
    while (end < text.len && ((unsigned char)text.ptr[end] & 0xC0) == 0x80) end++;
    const SampleSpan answer = {slice_sub(text, begin, end), begin};
    const Sample sample = {.text = text, .context = text, .answers = &answer, .n_answers = 1};
    for (int i = 0; i < 4; i++) {
        const AugmentOptions options = {.edit = i % 2 ? EDIT_SWAP : EDIT_DELETE,
                                        .share = 0.5,
                                        .where = i < 2 ? AUGMENT_TEXT : AUGMENT_CONTEXT};
        Philox rng = philox_stream(text.len, (uint64_t)i);
        AugmentCounts counts = {0};
        bool is_changed;
        Sample copy;
        if (augment_sample(&options, &sample, &rng, &arena, &copy, &is_changed, &counts, &err) !=
            STATUS_OK)
            abort();
        const SampleSpan *to = copy.answers;
        if (utf8_invalid_at(copy.text) != SIZE_MAX || counts.n_changed > counts.n_words) abort();
        if (end > begin &&
            !slice_eq(slice_sub(copy.context, to->begin_bytes, to->begin_bytes + to->text.len),
                      answer.text))
            abort();
    }
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const Slice text = {(const char *)data, size};
    look_through(text);
    if (utf8_invalid_at(text) != SIZE_MAX) return 0;
    prepare(text);
    augment(text);
    return 0;
}
