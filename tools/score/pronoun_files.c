#include "tools/score/pronoun_files.h"

#include <string.h>

#include "base/file.h"
#include "base/unicode.h"
#include "datasets/reader.h"
#include "tools/score/answer.h"
#include "tools/score/items.h"

Status pronoun_bare_mention(Slice text, Arena *arena, Slice *out, Error *err)
{
    static const char *const articles[] = {"the ", "a ", "an "};
    TRY(unicode_lower(arena, slice_trim(text), out, err));
    for (size_t i = 0; i < sizeof articles / sizeof *articles; i++) {
        if (!slice_starts_with(*out, slice_from_cstr(articles[i]))) continue;
        *out = slice_trim(slice_sub(*out, strlen(articles[i]), out->len));
        return STATUS_OK;
    }
    return STATUS_OK;
}

static bool is_about(const PronounFiles *files, const Sample *sample, size_t file)
{
    return files->is_about == NULL || files->is_about(sample, file);
}

static Status take_line(const PronounFiles *files, const Sample *sample, Slice text, Arena *arena,
                        Item *item, Error *err)
{
    Slice answer;
    *item = item_empty();
    item->cluster = sample->group;
    TRY(pronoun_bare_mention(text, arena, &answer, err));
    return files->take(sample, answer, arena, item, err);
}

static Status read_answers(const PronounFiles *files, const Dataset *data, const char *path,
                           size_t file, Arena *arena, Item *items, Error *err)
{
    LineReader *lines = NULL;
    size_t n_wanted = 0, n = 0, at = 0;
    for (size_t i = 0; i < data->n_samples; i++)
        n_wanted += is_about(files, &data->samples[i], file);
    Status s = line_reader_open(path, &lines, err);
    while (s == STATUS_OK) {
        Slice text = {0};
        bool more = false;
        s = line_reader_next(lines, &text, &more, err);
        if (s != STATUS_OK || !more) break;
        if (n >= n_wanted) {
            n += slice_trim(text).len > 0; // empty lines at the end are none
            continue;
        }
        while (!is_about(files, &data->samples[at], file)) at++;
        s = take_line(files, &data->samples[at], text, arena, &items[at], err);
        at++, n++;
    }
    line_reader_close(&lines);
    if (s != STATUS_OK || n == n_wanted) return s;
    return error_set(err, STATUS_INVALID,
                     "%s has %zu answers, but " SLICE_FMT
                     " has %zu %ssentences: want an answer a line, such as \"the developer\", in "
                     "their order, and an empty line where there is none",
                     path, n, SLICE_ARG(data->path), n_wanted,
                     files->kinds ? files->kinds[file] : "");
}

static Status put_scores(const PronounFiles *files, const Dataset *data, const Item *items,
                         Arena *arena, JsonWriter *w, Error *err)
{
    const ScoreItems all = {.arena = arena,
                            .items = items,
                            .n = data->n_samples,
                            .setup = {.labels = files->labels, .n_labels = 2}};
    json_begin_object(w);
    TRY(score_put_metrics(&all, files->metrics, files->n_metrics, NULL, w, err));
    json_end_object(w);
    return STATUS_OK;
}

Status pronoun_files_run(const PronounFiles *files, CommandLine *line, Error *err)
{
    Dataset data = {0};
    Arena arena = {0};
    Item *items = NULL;
    Buffer answer = {0};
    JsonWriter w = json_writer(&answer, 0);
    const ReadOptions options = {.format = slice_from_cstr(files->reader),
                                 .speech = SPEECH_OPTIONS};
    const size_t n_files = 1 + files->n_answer_files;
    TRY(score_check_files(line, n_files, n_files, files->wanted, err));
    Status s = dataset_read(line->operands[1], &options, &data, err);
    if (s == STATUS_OK) s = arena_take(&arena, data.n_samples, sizeof *items, "items", &items, err);
    for (size_t k = 0; s == STATUS_OK && k < files->n_answer_files; k++)
        s = read_answers(files, &data, line->operands[2 + k], k, &arena, items, err);
    if (s == STATUS_OK) s = put_scores(files, &data, items, &arena, &w, err);
    if (s == STATUS_OK) s = buffer_status(&answer, err);
    if (s == STATUS_OK) s = score_print_answer(buffer_slice(&answer), line, err);
    buffer_release(&answer);
    dataset_release(&data);
    arena_release(&arena);
    return s;
}
