// Copies with swapped words, for every family: what a run says of them is what a second run says of a test file that was
// swapped by hand.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/swap.h"
#include "tests/harness/runs.h"
#include "tests/support/folder.h"

typedef struct Kind {
    const char *name, *family, *more; // more members of the task
    const char *create;
    const char *file, *head, *foot;
    // A sample with a pronoun (%s), a name of a thing (%zu) and the pronoun's other places.
    void (*put)(char *out, size_t size, size_t i, const char *he);
} Kind;

static void put_tags(char *out, size_t size, size_t i, const char *he)
{
    snprintf(out, size, "%s\tO\nmet\tO\nname%zu\tB-PER\nof\tO\ntown%zu\tB-LOC\n\n", he, i % 5,
             i % 4);
}

static void put_question(char *out, size_t size, size_t i, const char *he)
{
    char context[160];
    snprintf(context, sizeof context, "then %s met name%zu and went to town%zu", he, i % 5, i % 4);
    const size_t start = (size_t)(strstr(context, "name") - context);
    snprintf(
        out, size,
        "%s{\"context\": \"%s\", \"qas\": [{\"id\": \"%zu\", \"question\": \"whom did %s meet?\", "
        "\"answers\": [{\"text\": \"name%zu\", \"answer_start\": %zu}]}]}",
        i % 100 ? ", " : "", context, i, he, i % 5, start);
}

static void put_pair(char *out, size_t size, size_t i, const char *he)
{
    snprintf(out, size, "%zu\tthing%zu %s sees\t%s looks thing%zu\n", i, i % 6, he, he, i % 6);
}

static void put_class(char *out, size_t size, size_t i, const char *he)
{
    snprintf(out, size, "%zu\t%s %s thing%zu\t%s\n", i, he, i % 2 ? "likes" : "hates", i % 6,
             i % 2 ? "good" : "bad");
}

#define SMALL                                                                                           \
    "\"hidden_size\": 16, \"n_layers\": 1, \"n_heads\": 2, \"intermediate_size\": 32, \"dropout\": 0, " \
    "\"max_positions\": 48"

static const Kind kinds[] = {
    {"tag", "tag", "", SMALL, "conll", "", "", put_tags},
    {"span", "span", "", SMALL, "json", "{\"data\": [{\"title\": \"t\", \"paragraphs\": [", "]}]}",
     put_question},
    {"translate", "translate", ", \"beams\": 1",
     "\"architecture\": \"marian\", \"vocab_size\": 300, " SMALL, "tsv", "id\tsource\ttarget\n", "",
     put_pair},
    {"prompted class", "classify", ", \"prompt\": {\"text\": \"{text} =>\"}",
     "\"architecture\": \"gpt2\", \"vocab_size\": 300, " SMALL, "tsv", "id\ttext\tlabel\n", "",
     put_class},
    {"prompted translation", "translate",
     ", \"prompt\": {\"text\": \"{source} =>\", \"max_new_tokens\": 8}",
     "\"architecture\": \"llama\", \"vocab_size\": 300, " SMALL, "tsv", "id\tsource\ttarget\n", "",
     put_pair},
};
enum { N_TRAIN = 60, N_TEST = 24 };

static void write_samples(const char *folder, const Kind *kind, const char *part, size_t first,
                          size_t n, const char *const he[2])
{
    static char text[1 << 16];
    char name[64];
    size_t at = (size_t)snprintf(text, sizeof text, "%s", kind->head);
    for (size_t i = first; i < first + n; i++) {
        kind->put(text + at, sizeof text - at, i, he[i % 3 == 0]);
        at += strlen(text + at);
    }
    snprintf(text + at, sizeof text - at, "%s", kind->foot);
    snprintf(name, sizeof name, "%s.%s", part, kind->file);
    folder_write(folder, name, text);
}

// A third of the samples have "she", the others "he", or the other way round in the file swapped by hand.
static const char *kind_folder(const Kind *kind, bool is_swapped)
{
    static const char *const as_is[] = {"he", "she"}, *const swapped[] = {"she", "he"};
    char suite[2048];
    const char *folder = folder_make();
    write_samples(folder, kind, "train", 0, N_TRAIN, as_is);
    write_samples(folder, kind, "test", 100, N_TEST, is_swapped ? swapped : as_is);
    snprintf(
        suite, sizeof suite,
        "{\"suite\": \"c\", \"models\": [{\"name\": \"tiny\", \"create\": {%s}}],\n\"tasks\": [{\"name\": "
        "\"t\", \"family\": \"%s\"%s%s, \"near_duplicates\": 0, \"data\": {\"train\": \"train.%s\", \"test\": "
        "\"test.%s\"}}],\n\"tune\": {\"learning_rate\": 5e-3, \"batch_size\": 8, \"epochs\": 3}, "
        "\"report\": {\"formats\": [\"json\"]}}",
        kind->create, kind->family, kind->more,
        is_swapped ? "" : ", \"counterfactual\": \"./l.json\"", kind->file, kind->file);
    folder_write(folder, "suite.json", suite);
    folder_write(folder, "l.json", "{\"words\": {\"he\": \"she\", \"she\": \"he\"}}");
    return folder;
}

// The model's answers in the order of the samples: the text, or the label's number.
static size_t answers_of(const char *export, char out[N_TEST][256])
{
    size_t n = 0;
    const char *at = strstr(export, "\"model\":\"tiny\",\"task\"");
    cr_assert_not_null(at);
    const char *end = strstr(at, "{\"kind\":\"trial\"");
    while ((at = strstr(at, "{\"kind\":\"output\"")) != NULL && (!end || at < end) && n < N_TEST) {
        const char *label = strstr(at, "\"label\":"), *stop = strstr(label, ",\"probabilities\"");
        snprintf(out[n++], 256, "%.*s", (int)(stop - label), label);
        at++;
    }
    return n;
}

static void check_kind(const Kind *kind)
{
    static char own[N_TEST][256], other[N_TEST][256];
    const char *folder = kind_folder(kind, false);
    Buffer plain = runs_export(folder, NULL),
           jobs = runs_export(folder, &(RunsHow){.store = "j.db", .n_jobs = 2});
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)), "%s", kind->name);
    const char *by_hand = kind_folder(kind, true);
    Buffer second = runs_export(by_hand, NULL);
    cr_assert_eq(answers_of(plain.ptr, own), N_TEST, "%s", kind->name);
    cr_assert_eq(answers_of(second.ptr, other), N_TEST, "%s", kind->name);
    Arena arena = {0};
    Error err = {0};
    const SwapList *list = NULL;
    cr_assert_eq(swap_list_load(folder_path(folder, "l.json"), &arena, &list, &err), STATUS_OK);
    const char *rows = strstr(strstr(plain.ptr, "\"model\":\"tiny\",\"task\""),
                              "\"kind\":\"metric_rows\",\"metric\":\"counterfactual\"");
    cr_assert_not_null(rows);
    rows = strstr(rows, "\"rows\":[") + strlen("\"rows\":[");
    for (size_t i = 0; i < N_TEST; i++) {
        Slice expected;
        bool changed;
        cr_assert_eq(swap_text(list, slice_from_cstr(own[i]), &arena, &expected, &changed, &err),
                     STATUS_OK);
        const bool flips = !slice_eq_cstr(expected, other[i]);
        cr_expect_eq(rows[1] == '1', flips, "%s, sample %zu: %s against %s, row %.12s", kind->name,
                     i, own[i], other[i], rows);
        rows = strchr(rows, ']') + 2;
    }
    arena_release(&arena);
    buffer_release(&plain);
    buffer_release(&jobs);
    buffer_release(&second);
    folder_remove(folder);
    folder_remove(by_hand);
}

Test(counterfactual, copies_are_answered_as_a_file_swapped_by_hand)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) check_kind(&kinds[i]);
}

// ---- scores ----

// Class by one word; half of the sentences speak of a man, in the same way for both classes.
static const char *people(void)
{
    static char text[16384];
    size_t at = (size_t)snprintf(text, sizeof text, "text\tlabel\n");
    for (size_t i = 0; i < 48; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s was %s on day %zu\t%s\n",
                               i % 4 < 2 ? "the cook" : "he", i % 2 ? "good" : "bad", i,
                               i % 2 ? "yes" : "no");
    return text;
}

static const char *people_folder(const char *task)
{
    char suite[2048];
    const char *folder = folder_make();
    folder_write(folder, "t.tsv", people());
    folder_write(folder, "l.json", "{\"words\": {\"he\": \"she\"}}");
    folder_write(folder, "none.json", "{\"words\": {\"zebra\": \"horse\"}}");
    snprintf(
        suite, sizeof suite,
        "{\"suite\": \"p\", \"models\": [{\"name\": \"tiny\", \"create\": {\"hidden_size\": 16, "
        "\"n_layers\": 1, \"n_heads\": 2, \"intermediate_size\": 32, \"max_positions\": 24, "
        "\"vocab_size\": 120}}],\n\"tasks\": [{\"name\": \"people\", \"data\": \"t.tsv\"%s}],\n"
        "\"tune\": {\"learning_rate\": 1e-2, \"batch_size\": 8, \"epochs\": 3}, \"folds\": {\"k\": 2},\n"
        "\"report\": {\"formats\": [\"json\", \"markdown\"]}}",
        task);
    folder_write(folder, "suite.json", suite);
    return folder;
}

Test(counterfactual, copies_with_swapped_words_are_judged_beside_their_samples)
{
    const char *folder = people_folder(", \"counterfactual\": \"./l.json\"");
    Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"});
    Buffer jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 2});
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)));
    const double flips = runs_pooled(&plain, "tiny", "counterfactual"),
                 gap = runs_pooled(&plain, "tiny", "counterfactual/gap"),
                 absolute = runs_pooled(&plain, "tiny", "counterfactual/absolute");
    cr_expect(flips >= 0 && flips <= 1 && absolute > 0 && fabs(gap) <= absolute + 1e-12);
    cr_expect_not_null(strstr(plain.ptr, "she was bad on day 2"), "the copy's text is stored");
    cr_expect_not_null(strstr(plain.ptr, "counterfactual/worst"));
    cr_expect_null(strstr(plain.ptr, "\"counterfactual\":\"the cook"), "no word, no copy");
    const char *without = people_folder("");
    Buffer bare = runs_export(without, NULL);
    cr_expect_eq(runs_pooled(&bare, "tiny", "accuracy"), runs_pooled(&plain, "tiny", "accuracy"),
                 "copies enter no other score");
    cr_expect_null(strstr(bare.ptr, "counterfactual"));
    buffer_release(&plain);
    buffer_release(&jobs);
    buffer_release(&bare);
    folder_remove(folder);
    folder_remove(without);
}

Test(counterfactual, a_list_that_fits_no_sample_is_refused)
{
    static const struct {
        const char *task, *says;
    } cases[] = {{", \"counterfactual\": \"./none.json\"", "no sample has a word of the list"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        RunResult result = {0};
        const char *folder = people_folder(cases[i].task);
        cr_expect_eq(runs_run(folder, NULL, &result, &err), STATUS_INVALID);
        cr_expect(strstr(err.text, cases[i].says), "%s", err.text);
        run_result_release(&result);
        folder_remove(folder);
    }
}
