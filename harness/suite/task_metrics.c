// What a task is judged by: the metrics that it names, those that come of themselves, and the score that decides.
#include "base/json_source.h"
#include "harness/family.h"
#include "harness/suite/suite_internal.h"
#include "metrics/metrics_list.h"

static Status check_gives(const Json *at, const SuiteTask *task, const Metric *metric, Error *err)
{
    const unsigned gives = family_gives(task);
    if (!(metric->needs & ~gives)) return STATUS_OK;
    return json_error(at, err, "%s is no metric for a \"" SLICE_FMT "\" task%s: %s", metric->name,
                      SLICE_ARG(task->family),
                      gives == family_find(task->family)->gives ? ""
                                                                : " whose questions have choices",
                      metric->summary);
}

static Status check_metric(const Json *at, const SuiteTask *task, const Metric *metric, Error *err)
{
    TRY(check_gives(at, task, metric, err));
    if ((metric->needs & NEEDS_PROMPTS) && !task->prompt.is_given)
        return json_error(at, err, "%s is a metric for tasks with a \"prompt\"", metric->name);
    for (size_t i = 0; i < task->n_metrics; i++) {
        if (task->metrics[i].metric == metric) {
            return json_error(at, err, "%s stands twice among the metrics", metric->name);
        }
    }
    return STATUS_OK;
}

// Options of metrics need the labels to be read in full; keys are checked in any case.
static Status check_params(const SuiteReading *reading, const SuiteTask *task, Slice file,
                           SuiteMetric *m, Error *err)
{
    size_t n = 0;
    MetricPlan plan;
    static const char *const none[] = {NULL};
    const char *const *known = m->metric->params ? m->metric->params : none;
    while (known[n]) n++;
    TRY(json_check_keys(m->params, known, n, err));
    if (m->metric == &metric_bleu) {
        TRY(suite_read_pieces(reading, file, m, err));
    }
    if (task->read.n_labels == 0) return STATUS_OK;
    const MetricSetup setup = {.labels = task->read.labels,
                               .n_labels = task->read.n_labels,
                               .params = m->params,
                               .splitter = m->splitter,
                               .has_rows = reading->without_files};
    return metric_plan(m->metric, &setup, &reading->suite->arena, &plan, err);
}

static Status read_metric(const SuiteReading *reading, const Json *value, Slice file,
                          SuiteTask *task, Error *err)
{
    const SuiteKey *names = section_key(&section_shared, SLICE("metrics"));
    SuiteMetric *m = &task->metrics[task->n_metrics];
    size_t index;
    if (json_kind(value) != JSON_OBJECT) {
        TRY(choice_read(value, names->choice, &index, err));
    } else {
        Slice name;
        TRY(section_check_keys(&section_metric, value, err));
        TRY(json_want_string(value, "name", &name, err));
        TRY(choice_read(json_get(value, "name"), names->choice, &index, err));
        TRY(json_opt_kind(value, "params", JSON_OBJECT, &m->params, err));
    }
    m->metric = metrics_all[index];
    TRY(check_metric(value, task, m->metric, err));
    task->n_metrics++;
    if (!m->params) return STATUS_OK;
    TRY(check_params(reading, task, file, m, err));
    Buffer text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_put_value(&w, m->params);
    Status s = buffer_status(&text, err);
    if (s == STATUS_OK) s = suite_copy(reading, buffer_slice(&text), &m->params_json, err);
    buffer_release(&text);
    return s;
}

Status task_read_metrics(const SuiteReading *reading, const Json *list, Slice file, SuiteTask *task,
                         Error *err)
{
    if (json_kind(list) != JSON_ARRAY || json_len(list) == 0) {
        return json_error(list, err, "found %s, want a list of metrics such as [\"accuracy\"]",
                          json_kind(list) == JSON_ARRAY ? "an empty list"
                                                        : json_kind_name(json_kind(list)));
    }
    task->n_metrics = 0;
    TRY(arena_take(&reading->suite->arena, json_len(list), sizeof *task->metrics, "metrics",
                   &task->metrics, err));
    for (const Json *v = json_first(list); v; v = json_next(v)) {
        TRY(read_metric(reading, v, file, task, err));
    }
    return STATUS_OK;
}

static const Metric *metric_of_score(const SuiteTask *task, Slice score)
{
    const Slice name = slice_sub(score, 0, slice_find_byte(score, '/'));
    for (size_t i = 0; i < task->n_metrics; i++) {
        if (slice_eq_cstr(name, task->metrics[i].metric->name)) return task->metrics[i].metric;
    }
    return NULL;
}

static Status check_primary(const Suite *suite, const Json *object, SuiteTask *task, Error *err)
{
    bool does_choose = false;
    const bool learns_other = family_learns_other(task); // with one setting
    for (size_t i = 0; i < suite->n_models; i++)
        does_choose |= suite->models[i].does_tune && !learns_other;
    if (task->primary.len == 0) task->primary = slice_from_cstr(task->metrics[0].metric->name);
    const Json *written = json_get(object, "primary");
    const Json *at = written ? written : object;
    const Metric *metric = metric_of_score(task, task->primary);
    if (metric && (metric->direction != NO_DIRECTION || !does_choose)) return STATUS_OK;
    return json_error(at, err, "the primary score \"" SLICE_FMT "\" %s", SLICE_ARG(task->primary),
                      metric ? "is neither better higher nor lower, so nothing can be chosen by it"
                             : "belongs to none of the task's metrics");
}

// A score that early stopping watches must be one of the task's.
static Status check_monitors(const Suite *suite, const Json *object, const SuiteTask *task,
                             Error *err)
{
    for (size_t i = 0; i < suite->n_models; i++) {
        for (size_t j = 0; j < suite->models[i].n_settings; j++) {
            const Slice score = suite->models[i].settings[j].monitor_metric;
            if (score.len == 0 || metric_of_score(task, score)) continue;
            return json_error(object, err,
                              "early stopping watches \"" SLICE_FMT
                              "\", which belongs to none of the "
                              "metrics of task \"" SLICE_FMT "\"",
                              SLICE_ARG(score), SLICE_ARG(task->name));
        }
    }
    return STATUS_OK;
}

static Status default_metrics(const SuiteReading *reading, SuiteTask *task, Error *err)
{
    JsonDocument *document = NULL;
    const Slice text = slice_from_cstr(family_metrics(task));
    TRY(json_parse(SLICE("default metrics"), text, JSON_STRICT, &document, err));
    TRY(suite_keep_document(reading, document, err)); // options borrow from it
    return task_read_metrics(reading, json_root(document), SLICE("."), task, err);
}

// Answers that cannot be read and prompts that were cut are never silent: their shares stand beside the other scores.
static Status add_prompt_metrics(const SuiteReading *reading, SuiteTask *task, Error *err)
{
    const Family *family = family_find(task->family);
    const bool writes = family->prompt &&
                        (!family->prompt->options || task->prompt.option == PROMPT_OPTION_WRITTEN);
    const bool cuts = task->prompt.truncate != CUT_REFUSE;
    const Slice names[] = {SLICE_LIT("unparsed"), SLICE_LIT("cut_prompts")};
    SuiteMetric *metrics = NULL;
    if (!task->prompt.is_given) return STATUS_OK;
    TRY(arena_take(&reading->suite->arena, task->n_metrics + 2, sizeof *metrics, "metrics",
                   &metrics, err));
    for (size_t i = 0; i < task->n_metrics; i++) metrics[i] = task->metrics[i];
    task->metrics = metrics;
    for (size_t i = 0; i < 2; i++) {
        if (metric_of_score(task, names[i]) || !(i == 0 ? writes : cuts)) continue;
        metrics[task->n_metrics++] = (SuiteMetric){.metric = metric_find(names[i])};
    }
    return STATUS_OK;
}

// The list of words, and the metric that tells what swapping them does.
static Status read_counterfactual(const SuiteReading *reading, const Json *object, SuiteTask *task,
                                  Error *err)
{
    Arena *arena = &reading->suite->arena;
    const Json *written = json_get(object, "counterfactual");
    const Json *at = written ? written : object;
    SuiteMetric *metrics = NULL;
    const Metric *metric = metric_find(SLICE("counterfactual"));
    if (task->counterfactual.len == 0 || reading->without_files) return STATUS_OK;
    if (family_find(task->family)->takes) {
        return json_error(at, err,
                          "a \"" SLICE_FMT "\" task compares texts already: nothing is swapped",
                          SLICE_ARG(task->family));
    }
    if (family_find(task->family)->has_value) {
        return json_error(at, err,
                          "numbers change a little with every word: a \"" SLICE_FMT
                          "\" task has no answers that could be another",
                          SLICE_ARG(task->family));
    }
    TRY(suite_find_named(reading, at, "swaps", "list of words", task->counterfactual,
                         &task->swap_path, err));
    TRY(arena_take(arena, task->n_metrics + 1, sizeof *metrics, "metrics", &metrics, err));
    // Behind the first: it was asked for, and tables show the first ones.
    metrics[0] = task->metrics[0];
    metrics[1] = (SuiteMetric){.metric = metric};
    for (size_t i = 1; i < task->n_metrics; i++) metrics[i + 1] = task->metrics[i];
    task->n_metrics++;
    task->metrics = metrics;
    return STATUS_OK;
}

// A choice that is written has no likelihood beside the others'.
static Status leave_out_likelihoods(const Json *object, SuiteTask *task, bool is_default,
                                    Error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < task->n_metrics; i++) {
        const SuiteMetric m = task->metrics[i];
        if (!(m.metric->needs & (NEEDS_PROBABILITIES | NEEDS_LOG_LIKELIHOODS))) {
            task->metrics[n++] = m;
            continue;
        }
        if (is_default) continue;
        return json_error(object, err,
                          "%s wants likelihoods, which an answer that is \"written\" has not: %s",
                          m.metric->name, m.metric->summary);
    }
    task->n_metrics = n;
    return STATUS_OK;
}

// What the task is judged by: its metrics, those that come of themselves, and the one that decides.
Status task_complete_metrics(const SuiteReading *reading, const Json *object, SuiteTask *task,
                             Error *err)
{
    const bool is_default = task->n_metrics == 0;
    if (is_default) TRY(default_metrics(reading, task, err));
    // A definition's metrics were not chosen for another family or format.
    for (size_t i = 0; i < task->n_metrics; i++)
        TRY(check_gives(object, task, task->metrics[i].metric, err));
    if (task->prompt.option == PROMPT_OPTION_WRITTEN)
        TRY(leave_out_likelihoods(object, task, is_default, err));
    TRY(add_prompt_metrics(reading, task, err));
    TRY(read_counterfactual(reading, object, task, err));
    TRY(check_primary(reading->suite, object, task, err));
    return check_monitors(reading->suite, object, task, err);
}
