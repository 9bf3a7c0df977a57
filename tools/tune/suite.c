// What the options of a tuning run amount to: a suite of one model and one task.
#include <stdlib.h>
#include <string.h>

#include "base/json_writer.h"
#include "harness/family.h"
#include "tools/data_options.h"
#include "tools/tune/tune.h"

// A path, not the name of the suite's model.
static void put_path(JsonWriter *w, const char *key, const char *path)
{
    Buffer text = {0};
    buffer_printf(&text, "%s%s", strchr(path, '/') ? "" : "./", path);
    json_member_string(w, key, buffer_slice(&text));
    buffer_release(&text);
}

static void put_text_option(const CommandLine *line, const char *option, const char *key,
                            JsonWriter *w)
{
    if (!option_given(line, option)) return;
    json_member_cstr(w, key, option_text(line, option));
}

static void put_count_option(const CommandLine *line, const char *option, const char *key,
                             JsonWriter *w)
{
    if (!option_given(line, option)) return;
    json_member_i64(w, key, option_integer(line, option));
}

// Where parallel text has its targets follows from the ends of names, which the suite has to know.
static void put_files_of_pairs(const CommandLine *line, JsonWriter *w)
{
    const char *format = option_text(line, "format");
    if (!format || strcmp(format, "parallel") != 0) return;
    json_member_cstr(w, "format", format);
    json_member_object(w, "columns");
    put_text_option(line, "text", "text", w);
    put_text_option(line, "target", "target", w);
    json_end_object(w);
}

// ---- copies ----

static bool is_model_key(Slice key)
{
    return slice_eq_cstr(key, "forward") || slice_eq_cstr(key, "back") ||
           slice_eq_cstr(key, "generator");
}

// "eda,copies=2": the kind, and keys of a suite's `augment`; values that read as numbers are numbers.
static Status put_augment(TuneRun *run, JsonWriter *w, Error *err)
{
    const char *given = option_text(run->line, "augment");
    Slice rest = slice_from_cstr(given ? given : ""), member;
    if (!given) return STATUS_OK;
    json_put_key(w, "augment");
    if (given[0] == '{') { // the object itself
        json_put_raw(w, rest);
        return STATUS_OK;
    }
    json_begin_object(w);
    while (slice_split(&rest, ',', &member)) {
        const size_t equals = slice_find_byte(member, '=');
        const Slice key = equals == SIZE_MAX ? SLICE("kind") : slice_sub(member, 0, equals),
                    value = equals == SIZE_MAX ? member : slice_sub(member, equals + 1, member.len);
        double number;
        if (key.len == 0 || value.len == 0)
            return error_set(err, STATUS_INVALID,
                             "--augment %s: wanted is a kind and keys of \"augment\" in suites, as "
                             "eda,copies=2,words=0.2",
                             given);
        if (is_model_key(key)) {
            const char *name = arena_cstr(&run->arena, key), *path = arena_cstr(&run->arena, value);
            if (!name || !path) return error_set_memory(err, value.len, 1, "a path");
            put_path(w, name, path);
            continue;
        }
        json_put_key_slice(w, key);
        if (slice_to_double(value, &number))
            json_put_double(w, number);
        else
            json_put_string(w, value);
    }
    json_end_object(w);
    return STATUS_OK;
}

// ---- the suite ----

static void put_metrics(const CommandLine *line, bool is_classify, JsonWriter *w)
{
    static const char *const usual[] = {"accuracy", "f1", "mcc", "log_loss"};
    const char *first = option_text(line, "metric");
    if (!is_classify && !option_given(line, "metric")) return; // the family's own
    json_member_array(w, "metrics");
    json_put_cstr(w, first);
    for (size_t i = 0; is_classify && i < sizeof usual / sizeof *usual; i++) {
        if (strcmp(usual[i], first) != 0) json_put_cstr(w, usual[i]);
    }
    json_end_array(w);
}

static Status put_prepare(const CommandLine *line, JsonWriter *w, Error *err)
{
    const char *names = option_text(line, "prepare");
    const Step *steps[STEPS_MOST];
    size_t n = 0;
    if (!names) return STATUS_OK;
    if (steps_parse(slice_from_cstr(names), steps, &n, err) != STATUS_OK)
        return error_wrap(err, "--prepare");
    json_member_array(w, "prepare");
    for (size_t i = 0; i < n; i++) json_put_cstr(w, steps[i]->name);
    json_end_array(w);
    return STATUS_OK;
}

static Status put_null_threshold(const CommandLine *line, JsonWriter *w, Error *err)
{
    const char *given = option_text(line, "null-threshold");
    double number;
    if (!given) return STATUS_OK;
    json_put_key(w, "null_threshold");
    if (strcmp(given, "tune") == 0) {
        json_put_cstr(w, given);
        return STATUS_OK;
    }
    if (!slice_to_double(slice_from_cstr(given), &number) || number < -1000 || number > 1000)
        return error_set(err, STATUS_INVALID,
                         "--null-threshold %s: wanted is a number from -1000 to 1000, or tune",
                         given);
    json_put_double(w, number);
    return STATUS_OK;
}

static Status put_task(TuneRun *run, const char *family, JsonWriter *w, Error *err)
{
    const CommandLine *line = run->line;
    const bool is_classify = strcmp(family, "classify") == 0;
    json_begin_object(w);
    json_member_cstr(w, "name", "data");
    json_member_cstr(w, "family", family);
    put_metrics(line, is_classify, w);
    put_count_option(line, "max-length", "max_length", w);
    put_count_option(line, "doc-stride", "doc_stride", w);
    put_text_option(line, "decode", "decode", w);
    if (is_classify || strcmp(family, "multilabel") == 0) {
        json_member_cstr(w, "unseen_labels", "refuse");
    }
    TRY(put_prepare(line, w, err));
    TRY(put_null_threshold(line, w, err));
    put_files_of_pairs(line, w);
    json_member_object(w, "data");
    put_text_option(line, "train", "train", w);
    put_text_option(line, "valid", "valid", w);
    json_end_object(w);
    json_end_object(w);
    return STATUS_OK;
}

static Status put_suite(TuneRun *run, const char *family, JsonWriter *w, Error *err)
{
    const CommandLine *line = run->line;
    json_begin_object(w);
    json_member_cstr(w, "suite", "tune");
    json_put_key(w, "seed"); // of copies that models write
    json_put_u64(w, (uint64_t)option_integer(line, "seed"));
    json_member_array(w, "models");
    json_begin_object(w);
    json_member_cstr(w, "name", "model");
    json_member_cstr(w, "path", line->operands[0]);
    json_end_object(w);
    json_end_array(w);
    json_member_array(w, "tasks");
    TRY(put_task(run, family, w, err));
    json_end_array(w);
    json_member_object(w, "tune");
    if (option_given(line, "distill-from")) {
        json_member_object(w, "distill");
        put_path(w, "teacher", option_text(line, "distill-from"));
        json_end_object(w);
    }
    TRY(put_augment(run, w, err));
    json_end_object(w);
    json_put_key(w, "folds"); // none is made: the training part is not judged
    json_begin_object(w);
    json_member_i64(w, "k", option_given(line, "valid") ? 0 : 2);
    json_end_object(w);
    json_end_object(w);
    return STATUS_OK;
}

// Keys of that suite, as whoever gave the options calls them.
static const struct {
    const char *key, *option;
} spoken[] = {
    {"tasks[0].data.train", "--train"},
    {"tasks[0].data.valid", "--valid"},
    {"tasks[0].columns.text", "--text"},
    {"tasks[0].columns.target", "--target"},
    {"tasks[0].metrics", "--metric"},
    {"tasks[0].max_length", "--max-length"},
    {"tasks[0].doc_stride", "--doc-stride"},
    {"tasks[0].decode", "--decode"},
    {"tasks[0].prepare", "--prepare"},
    {"tasks[0].null_threshold", "--null-threshold"},
    {"models[0].path", "MODEL"},
    {"tune.distill.teacher", "--distill-from"},
    {"tune.augment", "--augment"},
    {"freeze", "--freeze"},
};

Status tune_reword(Status s, Error *err)
{
    static const char place[] = "options:", task[] = "task \"data\": ";
    char text[sizeof err->text + 32];
    if (s == STATUS_OK || !err) return s;
    const char *rest = err->text, *option = "", *between = "";
    if (strncmp(rest, place, sizeof place - 1) == 0 && strstr(rest, ": "))
        rest = strstr(rest, ": ") + 2;
    else if (strncmp(rest, task, sizeof task - 1) == 0)
        rest += sizeof task - 1;
    for (size_t i = 0; i < sizeof spoken / sizeof *spoken; i++) {
        const size_t len = strlen(spoken[i].key);
        if (strncmp(rest, spoken[i].key, len) != 0 || !strchr(".[:", rest[len])) continue;
        option = spoken[i].option;
        rest += len;
        if (*rest == '.') between = ": ", rest++;
        break;
    }
    snprintf(text, sizeof text, "%s%s%s", option, between, rest);
    *err = (Error){0};
    return error_set(err, s, "%s", text);
}

// Paths are the user's own, relative to the current folder.
Status tune_make_suite(TuneRun *run, const char *family, Suite **out, Error *err)
{
    Buffer text = {0};
    JsonWriter w = json_writer(&text, 0);
    Status s = put_suite(run, family, &w, err);
    if (s == STATUS_OK) s = buffer_status(&text, err);
    if (s == STATUS_OK) s = suite_parse("options", buffer_slice(&text), NULL, out, err);
    buffer_release(&text);
    if (s == STATUS_OK) (*out)->folds.k = 0;
    return s;
}
