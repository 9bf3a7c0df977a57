// Answers as suites give and score them: tags of words that a line has as a list, and answers in passages by models whose note
// says how they were tuned. One sample goes through the code of its family.
#include <string.h>

#include "harness/family.h"
#include "tools/predict/predict.h"

// A case as one sample of a task.
struct FamilyCase {
    SuiteTask task;
    TaskData data;
    UsedPart part;
    Sample sample;
    Tokens tokens;
    TokenSequence *inputs; // [n_inputs] its windows
    size_t n_inputs;
};

bool predict_family_wants(const Predictor *p, const PredictCase *c)
{
    if (!model_tokenizer(p->model)) return false;
    if (p->mode->head == HEAD_TOKEN) return c->words.is_given;
    return p->mode->head == HEAD_SPAN && p->note.max_answer > 0 && !p->explains &&
           c->text.is_given && c->pair.is_given && strcmp(p->mode->name, "span") == 0;
}

static Status take_words(const Predictor *p, const PredictCase *c, Arena *arena, Sample *out,
                         Error *err)
{
    Slice *tags = NULL;
    if (c->text.is_given || c->input_ids.is_given)
        return error_set(err, STATUS_INVALID, "\"words\" and \"text\" or \"input_ids\" are given");
    if (p->explains)
        return error_set(err, STATUS_INVALID, "--explain wants a \"text\", not \"words\"");
    if (model_config(p->model)->is_discriminator)
        return error_set(err, STATUS_INVALID,
                         "the model tells which tokens stand in others' places, and tags no "
                         "\"words\": give a \"text\"");
    if (c->words.n == 0) return error_set(err, STATUS_INVALID, "there are no \"words\"");
    for (size_t w = 0; w < c->words.n; w++) {
        if (slice_trim(c->words.values[w]).len == 0)
            return error_set(err, STATUS_INVALID, "\"words\": word %zu is empty", w);
    }
    TRY(arena_take(arena, c->words.n, sizeof *tags, "tags", &tags, err));
    for (size_t w = 0; w < c->words.n; w++) tags[w] = model_config(p->model)->labels[0];
    out->tokens = c->words.values;
    out->tags = tags; // none is known, and none is looked at
    out->n_tokens = c->words.n;
    return family_join(c->words.values, c->words.n, arena, &out->text, err);
}

static Status take_sample(const Predictor *p, const PredictCase *c, Arena *arena, Sample *out,
                          Error *err)
{
    *out = (Sample){.line = 1, .label = SAMPLE_NO_LABEL, .gold = SAMPLE_NO_LABEL};
    if (c->words.is_given) return take_words(p, c, arena, out, err);
    out->text = c->text.text;
    out->context = c->pair.text;
    return STATUS_OK;
}

// The steps leave their texts in an arena of the data set's; the case keeps them in its own.
static Status keep_sample(const Sample *from, Arena *arena, Sample *out, Error *err)
{
    Slice *words = NULL;
    const Slice texts[] = {from->text, from->context};
    Slice kept[2] = {{0}};
    for (size_t i = 0; i < 2; i++) {
        if (!texts[i].ptr) continue;
        kept[i] = arena_copy(arena, texts[i]);
        if (!kept[i].ptr) return error_set_memory(err, texts[i].len, 1, "a text");
    }
    out->text = kept[0];
    out->context = kept[1];
    if (from->n_tokens == 0) return STATUS_OK;
    TRY(arena_take(arena, from->n_tokens, sizeof *words, "words", &words, err));
    for (size_t w = 0; w < from->n_tokens; w++) {
        words[w] = arena_copy(arena, from->tokens[w]);
        if (!words[w].ptr) return error_set_memory(err, from->tokens[w].len, 1, "a word");
    }
    out->tokens = words;
    return STATUS_OK;
}

static Status prepare_sample(const Predictor *p, Arena *arena, Sample *sample, Error *err)
{
    StepCount counts[STEPS_MOST];
    Sample copy = *sample;
    Dataset one = {.path = SLICE("a line"), .samples = &copy, .n_samples = 1};
    if (p->n_steps == 0) return STATUS_OK;
    for (size_t i = 0; sample->n_tokens > 0 && i < p->n_steps; i++) {
        if (!p->steps[i]->not_for_words) continue;
        return error_set(err, STATUS_INVALID, "\"words\" cannot take the step \"%s\": %s",
                         p->steps[i]->name, p->steps[i]->not_for_words);
    }
    Status s = steps_dataset(p->steps, p->n_steps, &one, counts, err);
    if (s == STATUS_OK) s = keep_sample(&copy, arena, sample, err);
    arena_release(&one.arena);
    return s;
}

Status predict_family_read(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    static size_t first = 0, *const which = &first; // the one sample
    static const size_t position = 0;
    const ModelConfig *config = model_config(p->model);
    struct FamilyCase *f = NULL;
    TRY(arena_take(arena, 1, sizeof *f, "a sample", &f, err));
    const bool has_words = c->words.is_given;
    f->data = (TaskData){.family = family_find(has_words ? SLICE("tag") : SLICE("span")),
                         .head = config->head,
                         .labels = config->labels,
                         .n_labels = config->n_labels,
                         .has_unanswerable = p->note.has_null_threshold};
    f->task = (SuiteTask){.doc_stride = p->note.doc_stride,
                          .max_answer = p->note.max_answer,
                          .null_threshold = p->note.null_threshold,
                          .decode = p->note.decode};
    TRY(take_sample(p, c, arena, &f->sample, err));
    TRY(prepare_sample(p, arena, &f->sample, err));
    f->tokens.max_length = p->max_length;
    f->part = (UsedPart){.data = {.samples = &f->sample, .n_samples = 1}, .which = which, .n = 1};
    TRY(f->data.family->encode(&f->task, &f->data, &f->part, model_tokenizer(p->model),
                               p->max_length, arena, &f->tokens, err));
    c->as_sample = f;
    return family_inputs(&f->tokens, &position, 1, arena, &f->inputs, &f->n_inputs, err);
}

size_t predict_family_inputs(const PredictCase *c, const TokenSequence **out)
{
    *out = c->as_sample->inputs;
    return c->as_sample->n_inputs;
}

Status predict_family_put(Predictor *p, const PredictCase *c, const float *logits, Arena *arena,
                          JsonWriter *w, Error *err)
{
    static const size_t position = 0;
    const struct FamilyCase *f = c->as_sample;
    const Asked asked = {.task = &f->task,
                         .data = &f->data,
                         .part = &f->part,
                         .tokens = &f->tokens,
                         .tokenizer = model_tokenizer(p->model),
                         .positions = &position,
                         .n = 1,
                         .outer_fold = STORE_NO_FOLD,
                         .logits = logits,
                         .width = model_output_width(p->model)};
    Answers answers = {.n = 1};
    TRY(f->data.family->answer(&asked, arena, &answers, err));
    Slice rest = answers.texts[0], tag;
    if (!c->words.is_given) {
        TokenOffsets points = {0};
        json_member_string(w, "text", rest);
        if (rest.len > 0) {
            const size_t from = (size_t)(rest.ptr - f->sample.context.ptr);
            points = (TokenOffsets){from, from + rest.len};
            token_offsets_to_points(f->sample.context, 1, &points);
        }
        json_member_u64(w, "start", points.begin);
        json_member_u64(w, "end", points.end);
        if (!p->note.has_null_threshold) return STATUS_OK;
        json_member_bool(w, "is_impossible", rest.len == 0);
        return STATUS_OK;
    }
    json_member_array(w, "words");
    for (size_t i = 0; i < f->sample.n_tokens; i++) json_put_string(w, f->sample.tokens[i]);
    json_end_array(w);
    json_member_array(w, "tags");
    while (slice_split(&rest, ' ', &tag)) json_put_string(w, tag);
    json_end_array(w);
    return STATUS_OK;
}
