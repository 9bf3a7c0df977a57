// How near sets of texts are to each other in a model's embeddings: WEAT on words, SEAT on sentences.
//
// Samples stand in four sets, two of targets and two of attributes (reader "seat"). A target's answer is its association, the
// mean cosine with the first set of attributes less that with the second; attributes have none. Any model's encoder is asked
// for embeddings as it is saved; its pooling is the model's own, else the mean.
#include <math.h>
#include <stdio.h>

#include "harness/family.h"
#include "metrics/metric.h"
#include "metrics/weat.h"

static Status find_labels(Prepared *prepared, size_t task, Error *err)
{
    TaskData *data = &prepared->tasks[task];
    for (int p = 0; p < N_DATA_PARTS; p++) {
        const UsedPart *part = &data->parts[p];
        size_t counts[N_WEAT_GROUPS] = {0};
        for (size_t i = 0; i < part->n; i++) {
            const Sample *sample = &part->data.samples[part->which[i]];
            if (sample->bias && sample->bias->set != SAMPLE_NO_LABEL) {
                counts[sample->bias->set]++;
                continue;
            }
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ":%zu: \"associate\" wants sets of targets and attributes: "
                                       "\"format\": \"seat\"",
                             SLICE_ARG(part->data.path), sample->line);
        }
        for (size_t k = 0; part->n > 0 && k < N_WEAT_GROUPS; k++) {
            if (counts[k] > 0) continue;
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT
                             ": the limit leaves no example of a set; take \"limit\" away",
                             SLICE_ARG(part->data.path));
        }
    }
    return STATUS_OK;
}

static Status encode(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                     const Tokenizer *tokenizer, size_t max_length, Arena *arena, Tokens *out,
                     Error *err)
{
    Slice *texts = NULL;
    const EncodeOptions options = {.max_length = max_length};
    (void)task, (void)data;
    TRY(arena_take(arena, part->n, sizeof *texts, "texts", &texts, err));
    TRY(arena_take(arena, part->n, sizeof *out->keys, "keys", &out->keys, err));
    for (size_t i = 0; i < part->n; i++) {
        const Sample *sample = &part->data.samples[part->which[i]];
        texts[i] = sample->text;
        out->keys[i] = family_key(sample->id, 0);
    }
    return tokenizer_encode_batch(tokenizer, texts, NULL, part->n, &options, arena, &out->batch,
                                  err);
}

static int32_t set_of(const UsedPart *part, size_t position)
{
    return part->data.samples[part->which[position]].bias->set;
}

static double cosine(const float *a, const float *b, size_t n)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

// Mean cosine of a text with one set of attributes less that with the other.
static double association(const UsedPart *part, const float *embeddings, size_t width, size_t at)
{
    double sums[2] = {0, 0}, counts[2] = {0, 0};
    for (size_t i = 0; i < part->n; i++) {
        const int32_t set = set_of(part, i);
        if (set < WEAT_A) continue;
        sums[set - WEAT_A] += cosine(embeddings + at * width, embeddings + i * width, width);
        counts[set - WEAT_A]++;
    }
    return sums[0] / counts[0] - sums[1] / counts[1];
}

static Status put_answers(const UsedPart *part, const size_t *positions, Arena *arena, Answers *out,
                          Error *err)
{
    TRY(family_take_texts(out, arena, err));
    for (size_t i = 0; i < out->n; i++) {
        out->texts[i] = SLICE("");
        if (set_of(part, positions[i]) >= WEAT_A) continue; // an attribute is asked nothing
        const char *text = arena_printf(arena, "%.9g", out->values[i]);
        if (text == NULL) return error_set_memory(err, out->n, 1, "answers");
        out->texts[i] = slice_from_cstr(text);
    }
    return STATUS_OK;
}

// Associations need the attributes, whichever targets are asked about: the whole part is embedded.
static Status respond(const Asked *asked, const Responder *responder, Arena *arena, Answers *out,
                      Error *err)
{
    const UsedPart *part = asked->part;
    const size_t width = model_output_width(responder->model);
    TokenSequence *inputs = NULL;
    float *embeddings = NULL;
    double *values = NULL;
    size_t *all = NULL, n_inputs = 0;
    TRY(arena_take(arena, part->n, sizeof *all, "samples", &all, err));
    for (size_t i = 0; i < part->n; i++) all[i] = i;
    TRY(family_inputs(asked->tokens, all, part->n, arena, &inputs, &n_inputs, err));
    TRY(arena_take(arena, part->n * width, sizeof *embeddings, "embeddings", &embeddings, err));
    TRY(model_predict(responder->model, responder->pool, inputs, n_inputs, responder->cancel,
                      embeddings, err));
    TRY(arena_take(arena, asked->n, sizeof *values, "associations", &values, err));
    out->n = asked->n;
    out->n_values = 1;
    out->values = values;
    for (size_t i = 0; i < n_inputs; i++) out->n_tokens += inputs[i].n_tokens;
    for (size_t i = 0; i < asked->n; i++) {
        if (set_of(part, asked->positions[i]) < WEAT_A)
            values[i] = association(part, embeddings, width, asked->positions[i]);
    }
    return put_answers(part, asked->positions, arena, out, err);
}

// No association differs from another but by a hash of the sample's id.
static Status baseline(const TaskData *data, const UsedPart *from, const size_t *from_positions,
                       size_t n_from, const UsedPart *part, const size_t *positions, Arena *arena,
                       Answers *out, Error *err)
{
    double *values = NULL;
    (void)data, (void)from, (void)from_positions, (void)n_from;
    TRY(arena_take(arena, out->n, sizeof *values, "associations", &values, err));
    for (size_t i = 0; i < out->n; i++) {
        const Sample *sample = &part->data.samples[part->which[positions[i]]];
        if (sample->bias->set < WEAT_A)
            values[i] = (double)(family_key(sample->id, 0) & 0xffff) / 32768 - 1;
    }
    out->values = values;
    out->n_values = 1;
    return put_answers(part, positions, arena, out, err);
}

static Status item(const TaskData *data, const Sample *sample, const Answer *given, Arena *arena,
                   Item *out, Error *err)
{
    (void)data, (void)arena;
    if (given->n_values != 1)
        return error_set(err, STATUS_INTERNAL, "an answer without an association");
    out->group = sample->bias->set;
    out->value = given->values[0];
    return STATUS_OK;
}

static Status reference(const TaskData *data, const Sample *sample, Arena *arena, Slice *out,
                        Error *err)
{
    (void)data, (void)sample, (void)arena, (void)err;
    *out = (Slice){0};
    return STATUS_OK;
}

static bool takes(ModelHead head)
{
    return head != HEAD_SEQ2SEQ;
}

const Family family_associate = {
    .name = "associate",
    .summary = "says how near sets of texts are to each other in a model's embeddings",
    .head = HEAD_EMBEDDING,
    .takes = takes,
    .takes_what = "encoders and decoders for embeddings",
    .gives = NEEDS_ASSOCIATIONS,
    .metrics = "[\"seat\"]",
    .find_labels = find_labels,
    .encode = encode,
    .respond = respond,
    .baseline_name = "chance",
    .baseline = baseline,
    .item = item,
    .reference = reference,
};
