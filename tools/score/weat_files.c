// assay score weat on files: the sets of a test and the embeddings of their examples, as one case.
//
// A line of embeddings belongs to the examples whose text is its "text" or its "id"; `assay predict --mode embed` hands ids on.
#include "tools/score/weat_files.h"

#include "base/json_source.h"
#include "datasets/reader.h"
#include "tools/score/answer.h"
#include "tools/score/items.h"

enum { N_SETS = 4 };

typedef struct WeatFiles {
    Arena arena;
    Dataset data;
    ClusterNames texts; // of all examples, each once
    Slice *embeddings;  // [texts.n_clusters] JSON
} WeatFiles;

static Status take_embedding(void *context, size_t index, const Json *root, Error *err)
{
    WeatFiles *f = context;
    (void)index;
    const Json *name = json_get(root, "text"), *embedding = json_get(root, "embedding");
    if (name == NULL) name = json_get(root, "id");
    if (name == NULL || json_kind(name) != JSON_STRING || embedding == NULL) {
        return json_error(
            root, err,
            "want an object with \"embedding\" and the example it is of as \"text\" or "
            "\"id\"");
    }
    const size_t n_before = f->texts.n_clusters;
    int32_t place;
    TRY(score_name_index(&f->texts, name, json_string(name), &place, err));
    if ((size_t)place >= n_before)
        return STATUS_OK; // of no example: other tests may share the file
    if (place >= (int32_t)f->data.n_samples) return STATUS_OK;
    f->embeddings[place] = arena_copy(&f->arena, json_source(embedding));
    return f->embeddings[place].ptr ? STATUS_OK : error_set_memory(err, 1, 1, "an embedding");
}

static Status read_embeddings(WeatFiles *f, const char *path, Error *err)
{
    size_t n = 0;
    return score_each_line(path, SIZE_MAX, take_embedding, f, &n, err);
}

static Status put_case(WeatFiles *f, const int32_t *places, const char *path, Buffer *out,
                       Error *err)
{
    static const char *const keys[N_SETS] = {"X", "Y", "A", "B"};
    JsonWriter w = json_writer(out, 0);
    json_begin_object(&w);
    for (int32_t set = 0; set < N_SETS; set++) {
        json_member_array(&w, keys[set]);
        for (size_t i = 0; i < f->data.n_samples; i++) {
            const Sample *sample = &f->data.samples[i];
            if (sample->bias->set != set) continue;
            if (f->embeddings[places[i]].ptr == NULL) {
                return error_set(err, STATUS_INVALID,
                                 "%s has no embedding of \"" SLICE_FMT
                                 "\", which stands in " SLICE_FMT ":%zu",
                                 path, SLICE_ARG(slice_sub(sample->text, 0, 80)),
                                 SLICE_ARG(f->data.path), sample->line);
            }
            json_put_raw(&w, f->embeddings[places[i]]);
        }
        json_end_array(&w);
    }
    json_end_object(&w);
    return buffer_status(out, err);
}

static Status make_case(WeatFiles *f, const CommandLine *line, Buffer *out, Error *err)
{
    const ReadOptions options = {.format = SLICE("seat"), .speech = SPEECH_OPTIONS};
    int32_t *places = NULL;
    TRY(dataset_read(line->operands[1], &options, &f->data, err));
    TRY(arena_take(&f->arena, f->data.n_samples, sizeof *places, "examples", &places, err));
    TRY(arena_take(&f->arena, f->data.n_samples, sizeof *f->embeddings, "embeddings",
                   &f->embeddings, err));
    for (size_t i = 0; i < f->data.n_samples; i++)
        TRY(score_name_index(&f->texts, NULL, f->data.samples[i].text, &places[i], err));
    TRY(read_embeddings(f, line->operands[2], err));
    return put_case(f, places, line->operands[2], out, err);
}

Status weat_run_files(CommandLine *line, Error *err)
{
    WeatFiles f = {0};
    Buffer text = {0};
    TRY(score_check_files(line, 2, 2,
                          "two files, the sets of a test and the embeddings of their "
                          "examples",
                          err));
    Status s = make_case(&f, line, &text, err);
    if (s == STATUS_OK) {
        s = score_answer_text(&score_weat, slice_from_cstr(line->operands[2]), buffer_slice(&text),
                              line, err);
    }
    buffer_release(&text);
    clusters_release(&f.texts);
    dataset_release(&f.data);
    arena_release(&f.arena);
    return s;
}
