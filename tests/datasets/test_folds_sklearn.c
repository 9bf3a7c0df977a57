// Agreement with scikit-learn 1.9.1 (goldens: metrics/stats/folds.jsonl).
#include "base/file.h"
#include "base/json.h"
#include "datasets/splits.h"
#include "tests/support/shared.h"

#include <criterion/criterion.h>
#include <string.h>

enum { MAX_N = 256 };

static const int32_t *read_values(const Json *row, const char *key, int32_t *out)
{
    const Json *values = json_get(row, key);
    if (!values) return NULL;
    for (size_t i = 0; i < json_len(values); i++) out[i] = (int32_t)json_double(json_at(values, i));
    return out;
}

static void check_row(const Json *row, size_t line)
{
    static int32_t label_room[MAX_N], group_room[MAX_N], fold[MAX_N];
    const int32_t *labels = read_values(row, "labels", label_room);
    const int32_t *groups = read_values(row, "groups", group_room);
    const size_t n = (size_t)json_double(json_get(row, "n")),
                 k = (size_t)json_double(json_get(row, "k"));
    cr_assert_leq(n, MAX_N);
    Error err = {0};
    const Status s = folds_sklearn(labels, groups, n, k, fold, &err);
    if (json_get(row, "error")) {
        cr_expect_eq(s, STATUS_INVALID, "line %zu is not refused", line);
        cr_expect_gt(strlen(err.text), 10);
        return;
    }
    cr_assert_eq(s, STATUS_OK, "line %zu: %s", line, err.text);
    const Json *expected = json_get(json_get(row, "expected"), "fold");
    for (size_t i = 0; i < n; i++) {
        cr_assert_eq(fold[i], (int32_t)json_double(json_at(expected, i)),
                     "line %zu, item %zu: fold %d", line, i, fold[i]);
    }
}

Test(folds_sklearn, agree_with_scikit_learn_without_shuffling)
{
    const char *path = shared_need("goldens/metrics/stats/folds.jsonl");
    Arena arena = {0};
    Error err = {0};
    Slice text, line;
    cr_assert_eq(file_read(&arena, path, 1 << 20, &text, &err), STATUS_OK, "%s", err.text);
    size_t n_checked = 0;
    for (size_t number = 1; slice_split(&text, '\n', &line); number++) {
        JsonDocument *d = NULL;
        cr_assert_eq(json_parse(SLICE("folds.jsonl"), line, JSON_STRICT, &d, &err), STATUS_OK, "%s",
                     err.text);
        const Json *row = json_root(d), *shuffle = json_get(row, "shuffle");
        if (shuffle && !json_bool(shuffle)) {
            check_row(row, number);
            n_checked++;
        }
        json_close(&d);
    }
    cr_assert_eq(n_checked, 28);
    arena_release(&arena);
}
