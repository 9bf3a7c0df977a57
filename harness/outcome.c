#include "harness/outcome.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"

static bool grow(void **array, size_t *capacity, size_t n, size_t size)
{
    if (n < *capacity) return true;
    size_t wanted = *capacity ? *capacity * 2 : 64, bytes = 0;
    void *grown = size_mul(wanted, size, &bytes) ? realloc(*array, bytes) : NULL;
    if (grown == NULL) return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

void curves_add_step(Curves *curves, const TrainStep *step)
{
    while (curves->n_steps > 0 && curves->steps[curves->n_steps - 1].step >= step->step)
        curves->n_steps--;
    void *array = curves->steps;
    if (!grow(&array, &curves->steps_capacity, curves->n_steps, sizeof *curves->steps)) {
        curves->failed = true;
        return;
    }
    curves->steps = array;
    curves->steps[curves->n_steps++] = *step;
}

void curves_add_evaluation(Curves *curves, const TrainEvaluation *evaluation)
{
    while (curves->n_evaluations > 0 &&
           curves->evaluations[curves->n_evaluations - 1].step >= evaluation->step)
        curves->n_evaluations--;
    void *array = curves->evaluations;
    if (!grow(&array, &curves->evaluations_capacity, curves->n_evaluations,
              sizeof *curves->evaluations)) {
        curves->failed = true;
        return;
    }
    curves->evaluations = array;
    curves->evaluations[curves->n_evaluations++] = *evaluation;
}

Status curves_status(const Curves *curves, Error *err)
{
    return curves->failed ? error_set(err, STATUS_MEMORY, "out of memory: wanted room for curves")
                          : STATUS_OK;
}

void curves_release(Curves *curves)
{
    free(curves->steps);
    free(curves->evaluations);
    *curves = (Curves){0};
}

Status outcome_take(Outcome *outcome, size_t n_outputs, size_t n_classes, Error *err)
{
    size_t n = 0;
    if (!size_mul(n_outputs, n_classes, &n) || n > SIZE_MAX / sizeof(float))
        return error_set_memory(err, n_outputs, n_classes, "probabilities");
    outcome->n_outputs = n_outputs;
    outcome->n_classes = n_classes;
    outcome->ordinals = calloc(n_outputs + 1, sizeof *outcome->ordinals);
    outcome->predicted = calloc(n_outputs + 1, sizeof *outcome->predicted);
    outcome->probabilities = calloc(n + 1, sizeof *outcome->probabilities);
    outcome->latency_ns = calloc(n_outputs + 1, sizeof *outcome->latency_ns);
    if (!outcome->ordinals || !outcome->predicted || !outcome->probabilities ||
        !outcome->latency_ns) {
        outcome->n_outputs = 0;
        return error_set_memory(err, n, sizeof(float), "predictions");
    }
    for (size_t i = 0; i < n_outputs; i++) outcome->latency_ns[i] = STORE_NO_TIME;
    return STATUS_OK;
}

Status outcome_put_values(Outcome *outcome, const double *values, size_t n_values, Error *err)
{
    size_t n = 0, bytes = 0;
    if (!size_mul(outcome->n_outputs, n_values, &n) || !size_mul(n, sizeof *values, &bytes))
        return error_set_memory(err, outcome->n_outputs, n_values, "values");
    outcome->values = malloc(bytes + 1);
    if (!outcome->values) return error_set_memory(err, n, sizeof *values, "values");
    if (bytes > 0 && values) memcpy(outcome->values, values, bytes);
    outcome->n_values = n_values;
    return STATUS_OK;
}

// Texts end to end, and where each ends.
static Status join_texts(const Slice *texts, size_t n, char **joined, uint64_t **ends, Error *err)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (!size_add(len, texts[i].len, &len)) return error_set_memory(err, n, 1, "texts");
    }
    *joined = malloc(len + 1);
    *ends = calloc(n + 1, sizeof **ends);
    if (!*joined || !*ends) return error_set_memory(err, len, 1, "texts");
    len = 0;
    for (size_t i = 0; i < n; i++) {
        if (texts[i].len > 0) memcpy(*joined + len, texts[i].ptr, texts[i].len);
        len += texts[i].len;
        (*ends)[i] = len;
    }
    return STATUS_OK;
}

static Slice text_at(const char *joined, const uint64_t *ends, size_t index)
{
    if (!joined) return (Slice){0};
    const uint64_t begin = index > 0 ? ends[index - 1] : 0;
    return (Slice){joined + begin, (size_t)(ends[index] - begin)};
}

Status outcome_put_texts(Outcome *outcome, const Slice *texts, Error *err)
{
    return join_texts(texts, outcome->n_outputs, &outcome->texts, &outcome->text_ends, err);
}

Slice outcome_text(const Outcome *outcome, size_t index)
{
    return text_at(outcome->texts, outcome->text_ends, index);
}

Status outcome_put_explanations(Outcome *outcome, const Slice *texts, Error *err)
{
    return join_texts(texts, outcome->n_outputs, &outcome->explanations, &outcome->explanation_ends,
                      err);
}

Slice outcome_explanation(const Outcome *outcome, size_t index)
{
    return text_at(outcome->explanations, outcome->explanation_ends, index);
}

void outcome_release(Outcome *outcome)
{
    free(outcome->ordinals);
    free(outcome->predicted);
    free(outcome->probabilities);
    free(outcome->values);
    free(outcome->latency_ns);
    free(outcome->texts);
    free(outcome->text_ends);
    free(outcome->explanations);
    free(outcome->explanation_ends);
    curves_release(&outcome->curves);
    *outcome = (Outcome){0};
}

// ---- as a file ----

static const char magic[8] = "assayO6";

typedef struct Head {
    char magic[8];
    uint64_t status, n_outputs, n_classes, n_values, n_steps, n_evaluations, n_texts, text_bytes;
    uint64_t n_explanations, explanation_bytes;
    int64_t best_step;
    uint64_t model_bytes;
    double null_threshold;
    char error[ERROR_TEXT_SIZE];
    TrialCost cost;
} Head;

Status outcome_write(const Outcome *outcome, const char *path, Error *err)
{
    Head head;
    memset(&head, 0, sizeof head);
    memcpy(head.magic, magic, sizeof magic);
    memcpy(head.error, outcome->error, sizeof head.error);
    head.status = outcome->status;
    head.n_outputs = outcome->n_outputs;
    head.n_classes = outcome->n_classes;
    head.n_values = outcome->n_values;
    head.n_steps = outcome->curves.n_steps;
    head.n_evaluations = outcome->curves.n_evaluations;
    head.best_step = outcome->best_step;
    head.model_bytes = outcome->model_bytes;
    head.null_threshold = outcome->null_threshold;
    head.n_texts = outcome->texts ? outcome->n_outputs : 0;
    head.text_bytes = head.n_texts > 0 ? outcome->text_ends[head.n_texts - 1] : 0;
    head.n_explanations = outcome->explanations ? outcome->n_outputs : 0;
    head.explanation_bytes =
        head.n_explanations > 0 ? outcome->explanation_ends[head.n_explanations - 1] : 0;
    head.cost = outcome->cost;
    head.cost.device = head.cost.machine = (Slice){0};
    const size_t n = outcome->n_outputs;
    const struct {
        const void *bytes;
        size_t len;
    } pieces[] = {
        {&head, sizeof head},
        {outcome->ordinals, n * sizeof *outcome->ordinals},
        {outcome->predicted, n * sizeof *outcome->predicted},
        {outcome->probabilities, n * outcome->n_classes * sizeof *outcome->probabilities},
        {outcome->values, n * outcome->n_values * sizeof *outcome->values},
        {outcome->latency_ns, n * sizeof *outcome->latency_ns},
        {outcome->text_ends, (size_t)head.n_texts * sizeof *outcome->text_ends},
        {outcome->texts, (size_t)head.text_bytes},
        {outcome->explanation_ends,
         (size_t)head.n_explanations * sizeof *outcome->explanation_ends},
        {outcome->explanations, (size_t)head.explanation_bytes},
        {outcome->curves.steps, outcome->curves.n_steps * sizeof(TrainStep)},
        {outcome->curves.evaluations, outcome->curves.n_evaluations * sizeof(TrainEvaluation)},
    };
    FileWriter *writer = NULL;
    Status s = file_writer_open(path, &writer, err);
    for (size_t i = 0; s == STATUS_OK && i < sizeof pieces / sizeof *pieces; i++) {
        if (pieces[i].len > 0) s = file_writer_write(writer, pieces[i].bytes, pieces[i].len, err);
    }
    if (s == STATUS_OK) s = file_writer_commit(&writer, err);
    file_writer_discard(&writer);
    return s;
}

static bool take_array(Slice *file, uint64_t count, size_t size, void *out)
{
    Slice bytes;
    if (count > file->len / size || !slice_take(file, (size_t)count * size, &bytes)) return false;
    if (bytes.len > 0) memcpy(out, bytes.ptr, bytes.len);
    return true;
}

static bool take_curves(Slice *file, const Head *head, Curves *curves)
{
    if (head->n_steps > file->len / sizeof(TrainStep) ||
        head->n_evaluations > file->len / sizeof(TrainEvaluation))
        return false;
    curves->steps = calloc((size_t)head->n_steps + 1, sizeof(TrainStep));
    curves->evaluations = calloc((size_t)head->n_evaluations + 1, sizeof(TrainEvaluation));
    if (!curves->steps || !curves->evaluations) return false;
    curves->n_steps = curves->steps_capacity = (size_t)head->n_steps;
    curves->n_evaluations = curves->evaluations_capacity = (size_t)head->n_evaluations;
    return take_array(file, head->n_steps, sizeof(TrainStep), curves->steps) &&
           take_array(file, head->n_evaluations, sizeof(TrainEvaluation), curves->evaluations);
}

// Texts of a file: as many as outputs, or none; their ends ascend.
static bool take_texts(Slice *file, uint64_t n, uint64_t n_outputs, uint64_t n_bytes, char **joined,
                       uint64_t **ends)
{
    if (n == 0) return n_bytes == 0;
    if (n != n_outputs || n_bytes > file->len) return false;
    *ends = calloc((size_t)n + 1, sizeof **ends);
    *joined = malloc((size_t)n_bytes + 1);
    if (!*ends || !*joined || !take_array(file, n, sizeof **ends, *ends)) return false;
    for (size_t i = 0; i < (size_t)n; i++) {
        if ((*ends)[i] < (i > 0 ? (*ends)[i - 1] : 0)) return false;
    }
    return (*ends)[n - 1] == n_bytes && take_array(file, n_bytes, 1, *joined);
}

// Numbers of the family's own: room for them is taken only where the file has them.
static bool take_values(Slice *file, const Head *head, Outcome *out)
{
    Error ignored = {0};
    if (head->n_values == 0) return true;
    if (head->n_outputs > file->len / sizeof(double) / head->n_values ||
        outcome_put_values(out, NULL, (size_t)head->n_values, &ignored) != STATUS_OK)
        return false;
    return take_array(file, head->n_outputs * head->n_values, sizeof(double), out->values);
}

static Status parse(Slice file, Outcome *out, Error *err)
{
    Head head = {0};
    if (!take_array(&file, 1, sizeof head, &head) || memcmp(head.magic, magic, sizeof magic) != 0 ||
        head.n_outputs > file.len / 8 ||
        (head.n_classes > 0 && head.n_outputs > file.len / head.n_classes))
        return error_set(err, STATUS_INVALID, "this is no finished trial");
    TRY(outcome_take(out, (size_t)head.n_outputs, (size_t)head.n_classes, err));
    out->status = head.status == TRIAL_DONE ? TRIAL_DONE : TRIAL_FAILED;
    out->best_step = head.best_step;
    out->model_bytes = head.model_bytes;
    out->null_threshold = head.null_threshold;
    out->cost = head.cost;
    out->cost.device = out->cost.machine = (Slice){0}; // places of another process
    memcpy(out->error, head.error, sizeof out->error);
    out->error[sizeof out->error - 1] = '\0';
    if (!take_array(&file, head.n_outputs, sizeof *out->ordinals, out->ordinals) ||
        !take_array(&file, head.n_outputs, sizeof *out->predicted, out->predicted) ||
        !take_array(&file, head.n_outputs * head.n_classes, sizeof(float), out->probabilities) ||
        !take_values(&file, &head, out) ||
        !take_array(&file, head.n_outputs, sizeof *out->latency_ns, out->latency_ns) ||
        !take_texts(&file, head.n_texts, head.n_outputs, head.text_bytes, &out->texts,
                    &out->text_ends) ||
        !take_texts(&file, head.n_explanations, head.n_outputs, head.explanation_bytes,
                    &out->explanations, &out->explanation_ends) ||
        !take_curves(&file, &head, &out->curves) || file.len != 0)
        return error_set(err, STATUS_INVALID, "a finished trial is cut short");
    return STATUS_OK;
}

Status outcome_read(const char *path, Outcome *out, Error *err)
{
    Slice file = {0};
    *out = (Outcome){0};
    Status s = file_map(path, &file, err);
    if (s == STATUS_OK) {
        s = parse(file, out, err);
        if (s != STATUS_OK) s = error_wrap(err, "%s", path);
    }
    if (s != STATUS_OK) outcome_release(out);
    file_unmap(&file);
    return s;
}
