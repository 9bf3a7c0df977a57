// What trials leave beside a store: a finished one as a worker hands it over, and the journal of one under way.
// Files of any bytes are refused or read, and what an outcome says lies within it. The input is laid over a good outcome: two bytes
// say where, least first, and its length stays.
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "harness/outcome.h"
#include "harness/state.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_folder.h"

const Slice fuzz_seeds[] = {
    SLICE_LIT("\x00\x00"),
    SLICE_LIT("\x10\x00\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0"),
    SLICE_LIT("\x28\x00\xff\xff\xff\xff\xff\xff\xff\x7f"),
    // A step of a journal, and an evaluation.
    SLICE_LIT(
        "\x01\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0"
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\x02\0\0\0\0\0\0\0\x01"),
    SLICE_LIT("\x40\x00\x05\0\0\0\0\0\0\0\x05"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

static void fill(Outcome *outcome)
{
    static const Slice texts[] = {SLICE_LIT("a"), SLICE_LIT("")};
    static const double values[] = {0.5, -1};
    Error err = {0};
    const TrainStep step = {.step = 1};
    const TrainEvaluation evaluation = {.step = 1};
    *outcome = (Outcome){.status = TRIAL_DONE, .best_step = 1};
    if (outcome_take(outcome, 2, 3, &err) != STATUS_OK ||
        outcome_put_values(outcome, values, 1, &err) != STATUS_OK ||
        outcome_put_texts(outcome, texts, &err) != STATUS_OK ||
        outcome_put_explanations(outcome, texts, &err) != STATUS_OK)
        abort();
    curves_add_step(&outcome->curves, &step);
    curves_add_evaluation(&outcome->curves, &evaluation);
}

static void check(const Outcome *outcome)
{
    size_t n_bytes = 0;
    for (size_t i = 0; i < outcome->n_outputs; i++) {
        n_bytes += outcome_text(outcome, i).len + outcome_explanation(outcome, i).len;
        for (size_t j = 0; j < outcome->n_classes; j++)
            n_bytes += outcome->probabilities[i * outcome->n_classes + j] != 0;
    }
    if (n_bytes > outcome->n_outputs * (outcome->n_classes + 64)) abort();
    if (outcome->cost.device.ptr || outcome->cost.machine.ptr) abort(); // not the file's to say
}

static void read_outcome(Slice over)
{
    static Arena arena; // for as long as the process lives
    static Slice good;
    char path[FUZZ_PATH_SIZE];
    Error err = {0};
    Outcome outcome = {0};
    fuzz_path("t.outcome", path);
    if (!good.ptr) {
        fill(&outcome);
        if (outcome_write(&outcome, path, &err) != STATUS_OK ||
            file_read(&arena, path, SIZE_MAX, &good, &err) != STATUS_OK)
            abort();
        outcome_release(&outcome);
    }
    char *bytes = malloc(good.len);
    if (!bytes) abort();
    memcpy(bytes, good.ptr, good.len);
    const size_t at =
        ((size_t)(unsigned char)over.ptr[0] | (size_t)(unsigned char)over.ptr[1] << 8) % good.len;
    for (size_t i = 2; i < over.len && at + i - 2 < good.len; i++) bytes[at + i - 2] = over.ptr[i];
    fuzz_put("t.outcome", (Slice){bytes, good.len});
    free(bytes);
    if (outcome_read(path, &outcome, &err) == STATUS_OK) {
        check(&outcome);
    } else if (err.text[0] == '\0' || outcome.ordinals) {
        abort();
    }
    outcome_release(&outcome);
}

static void read_journal(Slice bytes)
{
    Error err = {0};
    Curves curves = {0};
    Journal *journal = NULL;
    fuzz_put("t.curves", bytes);
    if (journal_open(fuzz_folder(), SLICE("t"), &curves, &journal, &err) != STATUS_OK) abort();
    for (size_t i = 1; i < curves.n_steps; i++) {
        if (curves.steps[i].step <= curves.steps[i - 1].step) abort();
    }
    journal_close(&journal);
    curves_release(&curves);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const Slice bytes = {(const char *)data, size};
    if (size < 2) return 0;
    read_outcome(bytes);
    read_journal(bytes);
    return 0;
}
