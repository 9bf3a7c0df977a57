// Texts that models write anew: translated forth and back, or in other words.
#include <string.h>

#include "base/buffer_keep.h"
#include "base/json_writer.h"
#include "base/size.h"
#include "harness/augment.h"
#include "harness/family.h"
#include "harness/suite/augment.h"
#include "harness/tasks/translate.h"
#include "models/generation/ask.h"

bool augment_asks_models(const SuiteAugment *how)
{
    return how->is_on && (how->kind == AUGMENT_BACK_TRANSLATE || how->kind == AUGMENT_PARAPHRASE);
}

Status augment_key(const SuiteAugment *how, Arena *arena, Slice *out, Error *err)
{
    const TuneSetting setting = {.augment = *how};
    Buffer text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    tune_write_augment(&setting, "augment", &w);
    json_end_object(&w);
    return buffer_keep(&text, arena, "a setting", out, err);
}

static const Rewritten *find(const Prepared *prepared, size_t task, Slice key)
{
    for (size_t i = 0; i < prepared->n_rewritten; i++) {
        const Rewritten *r = &prepared->rewritten[i];
        if (r->task == task && slice_eq(r->key, key)) return r;
    }
    return NULL;
}

const Slice *augment_written(const Prepared *prepared, size_t task, const SuiteAugment *how)
{
    Arena scratch = {0};
    Slice key = {0};
    const Rewritten *r = NULL;
    if (augment_key(how, &scratch, &key, NULL) == STATUS_OK) r = find(prepared, task, key);
    arena_release(&scratch);
    return r ? r->texts : NULL;
}

// ---- the models ----

// One call of a model: texts in, texts out, in the arena.
typedef struct Writing {
    const char *path;
    Pool *pool;
    const atomic_int *cancel;
    Arena *arena;
    const Slice *texts;
    size_t n;
    Slice *out;
} Writing;

static Status open_writer(const char *path, ModelHead head, const char *what, Model **out,
                          Error *err)
{
    const ModelOptions options = {.keep_stored = 1};
    TRY(model_open(path, &options, out, err));
    if (model_config(*out)->head == head && model_tokenizer(*out)) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "%s has a %s head; want %s with its tokenizer", path,
                     model_head_name(model_config(*out)->head), what);
}

static Status translate_with(const Writing *w, Model *model, Arena *scratch, Error *err)
{
    const Tokenizer *tokenizer = model_tokenizer(model);
    const EncodeOptions encode = {.max_length = model_config(model)->max_positions};
    TokenBatch batch;
    SearchRequest *requests = NULL;
    SearchResult **results = NULL;
    size_t *n_found = NULL;
    BeamOptions usual;
    Buffer text = {0};
    TRY(tokenizer_encode_batch(tokenizer, w->texts, NULL, w->n, &encode, scratch, &batch, err));
    TRY(search_defaults(model, scratch, &usual, err));
    TRY(arena_take(scratch, w->n, sizeof *requests, "sources", &requests, err));
    TRY(arena_take(scratch, w->n, sizeof *results, "translations", &results, err));
    TRY(arena_take(scratch, w->n, sizeof *n_found, "translations", &n_found, err));
    for (size_t i = 0; i < w->n; i++) {
        const size_t first = batch.starts[i], n_tokens = batch.starts[i + 1] - first;
        requests[i] = (SearchRequest){.source = {.ids = batch.ids + first,
                                                 .type_ids = batch.type_ids + first,
                                                 .n_tokens = n_tokens},
                                      .options = usual,
                                      .n_results = 1};
        requests[i].options.max_new_tokens = translate_most_tokens(&usual, n_tokens);
        requests[i].options.min_new_tokens =
            size_min(usual.min_new_tokens, requests[i].options.max_new_tokens);
    }
    Status s =
        model_search(model, w->pool, requests, w->n, w->cancel, scratch, results, n_found, err);
    for (size_t i = 0; s == STATUS_OK && i < w->n; i++) {
        w->out[i] = SLICE("");
        if (n_found[i] > 0)
            s = translate_decode(tokenizer, &results[i][0], &text, w->arena, &w->out[i], err);
    }
    buffer_release(&text);
    return s;
}

static Status translate(const Writing *w, Error *err)
{
    Model *model = NULL;
    Arena scratch = {0};
    Status s = open_writer(w->path, HEAD_SEQ2SEQ, "an encoder-decoder", &model, err);
    if (s == STATUS_OK) s = translate_with(w, model, &scratch, err);
    model_close(&model);
    arena_release(&scratch);
    return s;
}

static const Slice usual_prompt =
    SLICE_LIT("Say the same in other words.\nText: {text}\nIn other words:");

static Status put_prompt(const SuiteAugment *how, Slice text, Arena *arena, Slice *out, Error *err)
{
    const Slice prompt = how->prompt.len > 0 ? how->prompt : usual_prompt, field = SLICE("{text}");
    const size_t at = slice_find(prompt, field);
    const char *put =
        arena_printf(arena, SLICE_FMT SLICE_FMT SLICE_FMT, SLICE_ARG(slice_sub(prompt, 0, at)),
                     SLICE_ARG(text), SLICE_ARG(slice_sub(prompt, at + field.len, prompt.len)));
    *out = slice_from_cstr(put);
    return put ? STATUS_OK : error_set_memory(err, prompt.len, 1, "a prompt");
}

static Status paraphrase_with(const Writing *w, const SuiteAugment *how, const uint64_t *seeds,
                              Model *model, Arena *scratch, Error *err)
{
    static const Slice stops[] = {SLICE_LIT("\n")};
    AskText *requests = NULL;
    AskedText *results = NULL;
    TRY(arena_take(scratch, w->n, sizeof *requests, "prompts", &requests, err));
    TRY(arena_take(scratch, w->n, sizeof *results, "texts", &results, err));
    for (size_t i = 0; i < w->n; i++) {
        requests[i] = (AskText){.max_new_tokens = how->max_new_tokens,
                                .sample = {.temperature = how->temperature,
                                           .top_p = 1,
                                           .repetition_penalty = 1,
                                           .seed = seeds[i]},
                                .stops = stops,
                                .n_stops = 1};
        TRY(put_prompt(how, w->texts[i], scratch, &requests[i].prompt, err));
    }
    TRY(model_ask_text(model, w->pool, requests, w->n, CUT_LEFT, w->cancel, w->arena, results, NULL,
                       err));
    for (size_t i = 0; i < w->n; i++) w->out[i] = slice_trim(results[i].text);
    return STATUS_OK;
}

static Status paraphrase(const Writing *w, const SuiteAugment *how, const uint64_t *seeds,
                         Error *err)
{
    Model *model = NULL;
    Arena scratch = {0};
    Status s = open_writer(w->path, HEAD_CAUSAL_LM, "a causal language model", &model, err);
    if (s == STATUS_OK) s = paraphrase_with(w, how, seeds, model, &scratch, err);
    model_close(&model);
    arena_release(&scratch);
    return s;
}

static Status write_all(Writing *w, const SuiteAugment *how, const uint64_t *seeds, Arena *scratch,
                        Error *err)
{
    Slice *final = w->out, *between = NULL;
    Arena *arena = w->arena;
    if (how->kind == AUGMENT_PARAPHRASE) {
        w->path = how->generator_path;
        return paraphrase(w, how, seeds, err);
    }
    TRY(arena_take(scratch, w->n, sizeof *between, "translations", &between, err));
    w->path = how->forward_path;
    w->out = between;
    w->arena = scratch;
    TRY(translate(w, err));
    w->path = how->back_path;
    w->texts = between;
    w->out = final;
    w->arena = arena;
    return translate(w, err);
}

// ---- a task's training samples ----

// Texts to be written anew, and where they go.
typedef struct Wanted {
    Slice *texts;
    uint64_t *seeds;
    size_t *places; // into Rewritten.texts
    size_t n;
} Wanted;

static Status collect(const Prepared *prepared, size_t task, const SuiteAugment *how,
                      Arena *scratch, Wanted *out, Error *err)
{
    const TaskData *data = &prepared->tasks[task];
    const UsedPart *train = &data->parts[PART_TRAIN];
    const size_t most = 2 * train->n * how->copies;
    const bool has_pair = data->family->has_pairs;
    TRY(arena_take(scratch, most, sizeof *out->texts, "texts", &out->texts, err));
    TRY(arena_take(scratch, most, sizeof *out->seeds, "seeds", &out->seeds, err));
    TRY(arena_take(scratch, most, sizeof *out->places, "places", &out->places, err));
    for (size_t i = 0; i < train->n; i++) {
        const Sample *sample = &train->data.samples[train->which[i]];
        const Slice texts[] = {sample->text, has_pair ? sample->pair : (Slice){0}};
        if (!augment_chooses(how, prepared->suite->seed, sample)) continue;
        for (size_t k = 0; k < 2 * how->copies; k++) {
            if (slice_trim(texts[k % 2]).len == 0) continue;
            Philox rng = philox_stream(prepared->suite->seed, family_key(sample->id, k));
            out->texts[out->n] = texts[k % 2];
            out->seeds[out->n] = philox_u64(&rng);
            out->places[out->n++] = 2 * i * how->copies + k;
        }
    }
    return STATUS_OK;
}

static Status write_part(Prepared *prepared, size_t task, const SuiteAugment *how, Pool *pool,
                         const atomic_int *cancel, Arena *scratch, Slice *texts, Error *err)
{
    Wanted wanted = {0};
    Slice *out = NULL;
    TRY(collect(prepared, task, how, scratch, &wanted, err));
    TRY(arena_take(scratch, wanted.n, sizeof *out, "texts", &out, err));
    Writing writing = {.pool = pool,
                       .cancel = cancel,
                       .arena = &prepared->arena,
                       .texts = wanted.texts,
                       .n = wanted.n,
                       .out = out};
    if (wanted.n > 0) TRY(write_all(&writing, how, wanted.seeds, scratch, err));
    for (size_t i = 0; i < wanted.n; i++) texts[wanted.places[i]] = out[i];
    return STATUS_OK;
}

Status augment_write(Prepared *prepared, size_t task, const SuiteAugment *how, size_t n_threads,
                     const atomic_int *cancel, Error *err)
{
    const size_t n = prepared->tasks[task].parts[PART_TRAIN].n;
    Arena scratch = {0};
    Pool *pool = NULL;
    Slice key, *texts = NULL;
    TRY(augment_key(how, &prepared->arena, &key, err));
    if (find(prepared, task, key)) return STATUS_OK;
    TRY(arena_take(&prepared->arena, 2 * n * how->copies, sizeof *texts, "texts", &texts, err));
    TRY(arena_grow(&prepared->arena, prepared->n_rewritten, prepared->n_rewritten + 1,
                   sizeof *prepared->rewritten, "texts", &prepared->rewritten, err));
    Status s = pool_open(n_threads, &pool, err);
    if (s == STATUS_OK) s = write_part(prepared, task, how, pool, cancel, &scratch, texts, err);
    pool_close(&pool);
    arena_release(&scratch);
    if (s != STATUS_OK) return error_wrap(err, "\"augment\"");
    prepared->rewritten[prepared->n_rewritten++] = (Rewritten){task, key, texts};
    return STATUS_OK;
}
