// Which tokens stay, and which windows the rest goes to.
#include "base/size.h"
#include "models/tokenizers/tokenizer_internal.h"

Status truncation_strategy_parse(Slice name, TruncationStrategy *out, Error *err)
{
    static const char *const names[] = {
        [TRUNCATE_LONGEST_FIRST] = "longest_first",
        [TRUNCATE_ONLY_FIRST] = "only_first",
        [TRUNCATE_ONLY_SECOND] = "only_second",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (slice_eq_cstr(name, names[i])) {
            *out = (TruncationStrategy)i;
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_INVALID,
                     "unknown truncation strategy \"" SLICE_FMT
                     "\": longest_first, only_first or only_second",
                     SLICE_ARG(name));
}

// The shorter keeps all while the longer gives; once both are equal they share.
static void longest_first(size_t budget, const size_t n[2], size_t keep[2])
{
    const size_t shorter = n[0] <= n[1] ? 0 : 1, longer = 1 - shorter;
    size_t low = n[shorter];
    size_t high = low > budget ? low : size_max(low, budget - low);
    if (low + high > budget) {
        low = budget / 2;
        high = low + budget % 2;
    }
    keep[shorter] = low;
    keep[longer] = high;
}

Status truncate_lengths(const EncodeOptions *options, size_t n_added, const size_t n[2],
                        bool is_pair, size_t keep[2], Error *err)
{
    keep[0] = n[0];
    keep[1] = n[1];
    if (options->max_length == 0) return STATUS_OK;
    if (options->max_length < n_added) {
        return error_set(err, STATUS_INVALID,
                         "max_length %zu leaves no room for the %zu special tokens",
                         options->max_length, n_added);
    }
    const size_t budget = options->max_length - n_added;
    const size_t total = n[0] + n[1];
    if (total <= budget) return STATUS_OK;
    if (budget == 0) {
        keep[0] = keep[1] = 0;
        return STATUS_OK;
    }
    if (options->strategy == TRUNCATE_LONGEST_FIRST) {
        if (is_pair) {
            longest_first(budget, n, keep);
        } else {
            keep[0] = budget;
        }
        return STATUS_OK;
    }
    const size_t target = options->strategy == TRUNCATE_ONLY_FIRST ? 0 : 1;
    if (target == 1 && !is_pair)
        return error_set(err, STATUS_INVALID, "only_second needs a pair, and there is one text");
    if (n[target] <= total - budget) {
        return error_set(err, STATUS_INVALID,
                         "%s cannot meet max_length %zu: %zu tokens must go, and that text has %zu",
                         target == 0 ? "only_first" : "only_second", options->max_length,
                         total - budget, n[target]);
    }
    keep[target] = n[target] - (total - budget);
    return STATUS_OK;
}

Status truncate_parts(size_t n, size_t keep, size_t stride, Arena *arena, TokenRange **parts,
                      size_t *n_parts, Error *err)
{
    if (keep >= n || keep == 0) {
        // With nothing kept the whole text is the one overflow.
        *n_parts = keep >= n ? 1 : 2;
        TRY(arena_take(arena, 2, sizeof **parts, "windows", parts, err));
        (*parts)[0] = (TokenRange){0, keep >= n ? n : 0, false};
        (*parts)[1] = (TokenRange){0, n, true};
        return STATUS_OK;
    }
    if (stride >= keep) {
        return error_set(
            err, STATUS_INVALID,
            "stride %zu must be less than the %zu tokens of the text that a window has room for",
            stride, keep);
    }
    const size_t step = keep - stride;
    const size_t count = 1 + (n - keep + step - 1) / step;
    if (count > TOKENIZER_MAX_WINDOWS)
        return error_set(err, STATUS_INVALID, "%zu windows are more than %d: use a smaller stride",
                         count, TOKENIZER_MAX_WINDOWS);
    TRY(arena_take(arena, count, sizeof **parts, "windows", parts, err));
    for (size_t i = 0; i < count; i++)
        (*parts)[i] = (TokenRange){i * step, size_min(i * step + keep, n), i > 0};
    *n_parts = count;
    return STATUS_OK;
}
