// chrF and chrF++ against sacreBLEU's.
#include <criterion/criterion.h>

#include "tests/metrics/corpora.h"

enum { MAX_WIDTH = 96 };

static void check_records(const char *file, bool is_sentence, size_t least)
{
    Corpora corpora;
    read_corpora(&corpora);
    Golden golden = golden_open(file);
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Json *expected = json_get(r, "expected");
        if (expected == NULL || json_kind(expected) != JSON_OBJECT) continue;
        const Corpus *corpus = find_corpus(&corpora, json_string(json_get(r, "corpus")));
        const size_t first = is_sentence ? (size_t)golden_get(r, "i") : 0;
        const size_t n = is_sentence ? 1 : corpus->n;
        Buffer text = {0};
        params_text(json_get(r, "params"), &text);
        TestPlan plan;
        plan_open(&plan, "chrf", text.ptr, 0);
        RowSet rows;
        Error err = {0};
        double sums[MAX_WIDTH], score;
        cr_assert_eq(
            rows_of_items(&plan.plan, corpus->items + first, n, NULL, &plan.arena, &rows, &err),
            STATUS_OK, "line %zu: %s", golden.line, err.text);
        row_sums(&rows, plan.plan.width, sums);
        metric_score_sums(&plan.plan, sums, &score);
        expect_close(score, golden_get(expected, "score"), 1e-9, "score", golden.line);
        const Json *statistics = json_get(expected, "statistics");
        for (size_t k = 0; statistics != NULL && k < json_len(statistics); k++) {
            cr_expect_eq(sums[k], golden_double(json_at(statistics, k)), "line %zu: statistic %zu",
                         golden.line, k);
        }
        plan_release(&plan);
        buffer_release(&text);
        n_cases++;
    }
    golden_close(&golden);
    arena_release(&corpora.arena);
    cr_expect_gt(n_cases, least);
}

Test(chrf, corpus_scores_agree_with_sacrebleu)
{
    check_records("sacrebleu/chrf_corpus.jsonl", false, 200);
}

Test(chrf, sentence_scores_agree_with_sacrebleu)
{
    check_records("sacrebleu/chrf_sentence.jsonl", true, 500);
}
