// chrF and chrF++ against sacreBLEU's.
#include <criterion/criterion.h>

#include "tests/metrics/corpora.h"

static void expect_chrf(const CorpusCase *c)
{
    double score;
    metric_score_sums(c->plan, c->sums, &score);
    expect_close(score, golden_get(c->expected, "score"), 1e-9, "score", c->line);
    const Json *statistics = json_get(c->expected, "statistics");
    for (size_t k = 0; statistics != NULL && k < json_len(statistics); k++) {
        cr_expect_eq(c->sums[k], golden_double(json_at(statistics, k)), "line %zu: statistic %zu",
                     c->line, k);
    }
}

Test(chrf, corpus_scores_agree_with_sacrebleu)
{
    check_corpora("sacrebleu/chrf_corpus.jsonl", "chrf", false, 200, expect_chrf);
}

Test(chrf, sentence_scores_agree_with_sacrebleu)
{
    check_corpora("sacrebleu/chrf_sentence.jsonl", "chrf", true, 500, expect_chrf);
}
