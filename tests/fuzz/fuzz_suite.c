// Suites: reading never crashes; what is accepted has canonical settings that give themselves again, and settings text
// that is a suite again. The first line of the input, where it begins with '-', is an argument of --set.
#include "harness/suite/suite.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

const Slice fuzz_seeds[] = {
    SLICE_LIT(
        "{\"suite\": \"s\", // c\n\"seed\": 3, \"models\": [{\"name\": \"m\", \"create\": {\"hidden_size\": 8, \"n_heads\": 2}}],"
        "\"tasks\": [{\"name\": \"t\", \"data\": \"d\", \"columns\": {\"text\": 1, \"group\": \"g\"}, \"labels\": [\"a\", \"b\"],"
        "\"metrics\": [\"accuracy\", {\"name\": \"f1\", \"params\": {\"average\": \"micro\"}}]}],"
        "\"tune\": {\"learning_rate\": [1e-5, 3e-5], \"class_weights\": [null, \"balanced\", {\"a\": [1, 2]}]},"
        "\"folds\": {\"k\": 3, \"inner\": 2, \"kind\": \"grouped\"}}"),
    SLICE_LIT(
        "-tune.early_stopping.patience=3\n{\"suite\": \"s\", \"models\": [{\"name\": \"m\", \"path\": \"p\"}],"
        "\"tasks\": [{\"use\": \"sst2\"}], \"tune\": {\"early_stopping\": [false, {\"monitor\": \"primary\"}]},"
        "\"report\": {\"formats\": [\"html\", \"json\"], \"dir\": \"r\"}}"),
    SLICE_LIT(
        "-models[0].tune={\"warmup\": [0.1, 10], \"freeze\": \"embeddings,0-1\"}\n{\"suite\": \"s\","
        "\"models\": [{\"name\": \"m\"}], \"tune\": {\"schedule\": [\"linear\", \"cosine\"], \"max_steps\": 5}}"),
    SLICE_LIT(
        "-tasks.t.data={}\n{\"suite\":\"s\",\"filter\":\"model=m*,learning_rate=5e-5\",\"models\":[{\"name\":\"m\"}],"
        "\"tasks\":[{\"name\":\"t\"}],\"tune\":{}}"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

static void check_settings(const Suite *suite)
{
    for (size_t i = 0; i < suite->n_models; i++) {
        const SuiteModel *model = &suite->models[i];
        if (!model->does_tune) continue;
        for (size_t j = 0; j < model->n_settings && j < 4; j++) {
            Arena arena = {0};
            TuneSetting again;
            if (tune_setting_parse(&arena, model->settings[j].json, &again, NULL) != STATUS_OK)
                abort();
            if (!slice_eq(again.json, model->settings[j].json)) abort();
            arena_release(&arena);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Slice text = {(const char *)data, size}, set = {0};
    Suite *suite = NULL, *again = NULL;
    Error err = {0};
    if (size > 0 && data[0] == '-' && slice_split(&text, '\n', &set))
        set = slice_sub(set, 1, set.len);
    const SuiteOverrides overrides = {
        .set = &set, .n_set = set.len > 0 ? 1 : 0, .without_files = true};
    const SuiteOverrides none = {.without_files = true};
    const Status s = suite_parse("fuzz/suite.json", text, &overrides, &suite, &err);
    if (s != STATUS_OK && err.text[0] == '\0') abort();
    if (s == STATUS_OK) {
        check_settings(suite);
        if (suite_parse("fuzz/suite.json", suite->settings_json, &none, &again, &err) != STATUS_OK)
            abort();
        if (!slice_eq(again->settings_json, suite->settings_json)) abort();
    }
    suite_close(&again);
    suite_close(&suite);
    return 0;
}
