// harness/prepare_tokens.c: texts become token ids, once a model, a part and a length.
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "harness/family.h"
#include "harness/prompt/ask.h"
#include "harness/zero_shot.h"
#include "models/architecture.h"
#include "models/checkpoint.h"
#include "models/tokenizers/train.h"

static size_t slot_of(const Prepared *prepared, size_t model, size_t task)
{
    return model * prepared->suite->n_tasks + task;
}

const char *prepared_tokenizer_directory(const Prepared *prepared, size_t model, size_t task)
{
    return prepared->tokenizer_directories[slot_of(prepared, model, task)];
}

const Tokenizer *prepared_tokenizer(const Prepared *prepared, size_t model, size_t task)
{
    return prepared->tokenizers[slot_of(prepared, model, task)];
}

bool prepared_by_prompt(const Prepared *prepared, size_t model, size_t task)
{
    return prepared->by_prompt[slot_of(prepared, model, task)];
}

bool prepared_by_hypotheses(const Prepared *prepared, size_t model, size_t task)
{
    return prepared->by_hypotheses[slot_of(prepared, model, task)];
}

bool asks_by_hypotheses(const TaskData *data, const ModelConfig *config)
{
    if (!data->zero_shot || zero_shot_entailment(config) == SIZE_MAX) return false;
    for (size_t c = 0; c < data->n_labels; c++) {
        if (label_find(config->labels, config->n_labels, data->labels[c]) == SAMPLE_NO_LABEL)
            return true;
    }
    return false;
}

ModelHead prepared_head(const Prepared *prepared, size_t model, size_t task)
{
    const SuiteModel *m = &prepared->suite->models[model];
    const TaskData *data = &prepared->tasks[task];
    const ModelHead created =
        m->kind == SUITE_MODEL_CREATE ? family_created_head(&m->create) : HEAD_COUNT;
    if (prepared_by_prompt(prepared, model, task)) return HEAD_CAUSAL_LM;
    return data->family->learns_texts && created == HEAD_CAUSAL_LM ? created : data->head;
}

static void append_line(Buffer *lines, Slice text)
{
    const size_t start = lines->len;
    buffer_append(lines, text);
    for (size_t i = start; i < lines->len; i++) {
        if (lines->ptr[i] == '\n' || lines->ptr[i] == '\r') lines->ptr[i] = ' ';
    }
    buffer_append_byte(lines, '\n');
}

static void append_sample(Buffer *lines, const Sample *sample)
{
    append_line(lines, sample->text);
    if (sample->pair.len > 0) append_line(lines, sample->pair);
    if (sample->context.len > 0) append_line(lines, sample->context);
    for (size_t t = 0; t < sample->n_targets; t++) append_line(lines, sample->targets[t]);
}

// The training texts as lines of a file, for the trainer of tokenizers; of models asked in words, their prompts with answers.
static Status write_texts(const Prepared *prepared, size_t model, size_t task, const char *path,
                          Error *err)
{
    const UsedPart *part = &prepared->tasks[task].parts[PART_TRAIN];
    Buffer lines = {0};
    Status s = STATUS_OK;
    if (prepared_by_prompt(prepared, model, task)) {
        s = prompt_write_examples(&prepared->suite->tasks[task], &prepared->tasks[task], part,
                                  &lines, err);
    } else {
        for (size_t i = 0; i < part->n; i++)
            append_sample(&lines, &part->data.samples[part->which[i]]);
    }
    if (s == STATUS_OK) s = buffer_status(&lines, err);
    if (s == STATUS_OK) s = file_write(path, buffer_slice(&lines), err);
    buffer_release(&lines);
    return s;
}

// What begins a target, and what ends every text.
static const Slice seq2seq_specials[] = {SLICE_LIT("<pad>"), SLICE_LIT("</s>")};

static Status train_tokenizer(Prepared *prepared, size_t model, size_t task,
                              const char *state_directory, Error *err)
{
    const SuiteCreate *create = &prepared->suite->models[model].create;
    const UsedPart *train = &prepared->tasks[task].parts[PART_TRAIN];
    if (train->n == 0) return error_set(err, STATUS_INVALID, "a fresh model needs training texts");
    TokenizerTrainOptions options = {.vocab_size = create->vocab_size,
                                     .is_cased = create->is_cased};
    TRY(tokenizer_train_kind_parse(create->tokenizer, &options.kind, err));
    const ModelHead head = prepared_head(prepared, model, task);
    const bool writes = head == HEAD_SEQ2SEQ || family_created_head(create) == HEAD_CAUSAL_LM;
    if (head == HEAD_SEQ2SEQ) {
        options.special_tokens = seq2seq_specials;
        options.n_special_tokens = sizeof seq2seq_specials / sizeof *seq2seq_specials;
        options.end_token = seq2seq_specials[1];
    }
    if (writes != (options.kind == TRAIN_BPE))
        return error_set(err, STATUS_INVALID,
                         "\"tokenizer\": \"" SLICE_FMT "\" does not go with a " SLICE_FMT
                         ", which %s: want \"%s\"",
                         SLICE_ARG(create->tokenizer), SLICE_ARG(create->architecture),
                         writes ? "writes" : "does not write", writes ? "bpe" : "wordpiece");
    char *directory =
        arena_printf(&prepared->arena, "%s/tokenizer-%zu-%zu", state_directory, model, task);
    char *texts =
        arena_printf(&prepared->arena, "%s/texts-%zu-%zu.txt", state_directory, model, task);
    if (!directory || !texts) return error_set_memory(err, strlen(state_directory), 1, "a path");
    TRY(write_texts(prepared, model, task, texts, err));
    const char *const paths[] = {texts};
    const Status s = tokenizer_train(&options, paths, 1, directory, NULL, err);
    if (remove(texts) != 0 && s == STATUS_OK) return error_set_errno(err, "removing %s", texts);
    prepared->tokenizer_directories[slot_of(prepared, model, task)] = directory;
    return s;
}

static Status open_tokenizer(Prepared *prepared, size_t model, size_t task,
                             const char *state_directory, Error *err)
{
    const SuiteModel *m = &prepared->suite->models[model];
    const size_t slot = slot_of(prepared, model, task);
    if (prepared->tokenizers[slot]) return STATUS_OK;
    if (m->kind == SUITE_MODEL_CREATE) {
        prepared->model_lengths[slot] = m->create.max_positions;
        prepared->by_prompt[slot] =
            family_asks_by_prompt(&prepared->suite->tasks[task], family_created_head(&m->create));
        TRY(train_tokenizer(prepared, model, task, state_directory, err));
        return tokenizer_open(prepared->tokenizer_directories[slot], &prepared->tokenizers[slot],
                              err);
    }
    ModelConfig config;
    TRY(checkpoint_config(&prepared->arena, m->path, &config, err));
    prepared->model_lengths[slot] = config.max_positions;
    prepared->by_prompt[slot] = family_asks_by_prompt(&prepared->suite->tasks[task], config.head);
    prepared->by_hypotheses[slot] =
        !m->does_tune && asks_by_hypotheses(&prepared->tasks[task], &config);
    return checkpoint_tokenizer(m->path, &prepared->tokenizers[slot], err);
}

static size_t length_of(const Prepared *prepared, size_t model, size_t task, int setting)
{
    const SuiteModel *m = &prepared->suite->models[model];
    const size_t most = prepared->model_lengths[slot_of(prepared, model, task)];
    size_t wanted = m->settings[setting].max_length;
    if (wanted == 0) wanted = prepared_task(prepared, model, task)->max_length;
    return wanted == 0 || wanted > most ? most : wanted;
}

static const Tokens *find(const Prepared *prepared, size_t model, size_t task, DataPart part,
                          size_t max_length)
{
    for (size_t i = 0; i < prepared->n_tokens; i++) {
        const Tokens *t = &prepared->tokens[i];
        if (t->model == model && t->task == task && t->part == part && t->max_length == max_length)
            return t;
    }
    return NULL;
}

const Tokens *prepared_tokens(const Prepared *prepared, size_t model, size_t task, DataPart part,
                              int setting)
{
    return find(prepared, model, task, part, length_of(prepared, model, task, setting));
}

static Status next_tokens(Prepared *prepared, Tokens **out, Error *err)
{
    TRY(arena_make_room(&prepared->arena, prepared->n_tokens, &prepared->tokens_capacity,
                        sizeof *prepared->tokens, "tokens", &prepared->tokens, err));
    *out = &prepared->tokens[prepared->n_tokens];
    return STATUS_OK;
}

// Prompts are made when the model is asked: their examples hang on the fold. In tuning they go without.
static Status encode_part(const Prepared *prepared, size_t model, size_t task, const UsedPart *part,
                          size_t max_length, Arena *arena, Tokens *tokens, Error *err)
{
    const TaskData *data = &prepared->tasks[task];
    const SuiteTask *t = prepared_task(prepared, model, task);
    const size_t slot = slot_of(prepared, model, task);
    const Tokenizer *tokenizer = prepared->tokenizers[slot];
    if (prepared->by_hypotheses[slot])
        return hypotheses_encode(data, part, tokenizer, max_length, arena, tokens, err);
    if (!prepared->by_prompt[slot])
        return data->family->encode(t, data, part, tokenizer, max_length, arena, tokens, err);
    if (!prepared->suite->models[model].does_tune) return STATUS_OK;
    return prompt_encode(t, data, part, tokenizer, max_length, arena, tokens, err);
}

Status prepared_encode(const Prepared *prepared, size_t model, size_t task, int setting,
                       const UsedPart *part, Arena *arena, Tokens *out, Error *err)
{
    const size_t max_length = length_of(prepared, model, task, setting);
    *out = (Tokens){.model = model, .task = task, .part = PART_TRAIN, .max_length = max_length};
    return encode_part(prepared, model, task, part, max_length, arena, out, err);
}

static Status add_part(Prepared *prepared, size_t model, size_t task, DataPart part, int setting,
                       Error *err)
{
    const size_t max_length = length_of(prepared, model, task, setting);
    TRY(prepare_noted_part(prepared, model, task, part, err));
    const UsedPart *used = prepared_part(prepared, model, task, part);
    if (used->n == 0 || find(prepared, model, task, part, max_length)) return STATUS_OK;
    Tokens *tokens = NULL;
    TRY(next_tokens(prepared, &tokens, err));
    *tokens = (Tokens){.model = model, .task = task, .part = part, .max_length = max_length};
    const Status s =
        encode_part(prepared, model, task, used, max_length, &prepared->arena, tokens, err);
    if (s != STATUS_OK) return error_wrap(err, SLICE_FMT, SLICE_ARG(used->data.path));
    prepared->n_tokens++;
    return STATUS_OK;
}

// Folds cut the training part alone; a model that is not tuned meets only what it is judged on.
static bool is_used(const Prepared *prepared, size_t model, size_t task, DataPart part)
{
    const Suite *suite = prepared->suite;
    if (suite->folds.k > 0) return part == PART_TRAIN;
    if (part == PART_VALID && suite->tasks[task].tunes_null_threshold) return true;
    return suite->models[model].does_tune || part == judged_part(suite, task);
}

Status prepare_tokens(Prepared *prepared, size_t model, size_t task, const char *state_directory,
                      Error *err)
{
    const SuiteModel *m = &prepared->suite->models[model];
    Status s = open_tokenizer(prepared, model, task, state_directory, err);
    if (s == STATUS_OK) s = prepare_noted_task(prepared, model, task, err);
    for (size_t i = 0; s == STATUS_OK && i < m->n_settings; i++) {
        for (int part = 0; s == STATUS_OK && part < N_DATA_PARTS; part++) {
            if (is_used(prepared, model, task, (DataPart)part))
                s = add_part(prepared, model, task, (DataPart)part, (int)i, err);
        }
        if (s == STATUS_OK) s = add_part(prepared, model, task, PART_SWAPPED, (int)i, err);
    }
    return s == STATUS_OK ? s : error_wrap(err, "model \"" SLICE_FMT "\"", SLICE_ARG(m->name));
}
