// tools/predict/predict.h: what `assay predict` asks of a model and writes about it. Internal to cmd_predict.c and this folder.
#ifndef ASSAY_TOOLS_PREDICT_PREDICT_H
#define ASSAY_TOOLS_PREDICT_PREDICT_H

#include "base/file.h"
#include "datasets/steps.h"
#include "harness/note.h"
#include "models/chat/chat.h"
#include "models/explain.h"
#include "models/generation/ask.h"
#include "models/generation/search.h"
#include "models/model.h"
#include "tools/jsonl.h"
#include "tools/predict/resume.h"

// One line of input, tokenised. Everything lies in the chunk's arena.
typedef struct PredictCase {
    ResumeLine line; // as it was read
    Slice id;
    JsonlTexts keys; // of all its members
    JsonlText text, pair;
    JsonlText question; // SQuAD's name of a span's text, whose pair is `context`
    JsonlTexts words;
    struct FamilyCase *as_sample; // answered as a suite does it (family.c); NULL else
    JsonlTexts candidate_labels;  // that the model was not tuned on (zero_shot.c)
    JsonlText hypothesis_template;
    Slice multi_label;          // as it stands
    struct ZeroShot *zero_shot; // answered so; NULL else
    JsonlInts input_ids, token_type_ids, attention_mask;
    JsonlInts decoder_input_ids, decoder_attention_mask;
    // Of generation.
    JsonlText prompt;
    JsonlSize max_new_tokens, min_new_tokens, num_beams, num_return_sequences, no_repeat_ngram_size,
        top_k;
    JsonlSize max_length, min_length, encoder_no_repeat_ngram_size;
    JsonlSize forced_bos_token_id, forced_eos_token_id, decoder_start_token_id;
    JsonlInts suppress_tokens, begin_suppress_tokens;
    Slice bad_words_ids; // as it stands
    JsonlText src_lang, tgt_lang;
    JsonlNumber length_penalty, temperature, top_p;
    Slice early_stopping, do_sample; // as they stand
    SearchRequest search;
    SearchResult *found; // [n_found]
    size_t n_found;
    TokenSequence input;
    Encoding *encoding;      // of a text, for modes that want offsets; NULL for input_ids
    bool is_cut;             // the text had more tokens than are allowed
    EncodingWindows windows; // of a text that is split; input and encoding are then of the whole
    size_t stride;           // tokens that two windows share
    size_t n_cut;            // tokens of a prompt or context that were cut away
    double *logprobs;        // of its tokens one by one [n_logprobs], for the mode that masks them
    size_t n_logprobs;
    // Of causal language models (generate.c).
    JsonlText context, continuation;
    JsonlInts context_ids, continuation_ids;
    JsonlSize seed;
    JsonlNumber min_p, repetition_penalty;
    JsonlTexts stop;
    JsonlText truncate;                          // a side, or "refuse"
    Slice messages, tools, chat_template_kwargs; // as they stand
    LoglikRequest loglik;
    LoglikResult scored;
    GenerateRequest generate;
    GenerateResult written;
    Error *why; // it failed; NULL where it did not
} PredictCase;

typedef struct PredictMode PredictMode;

typedef struct Predictor {
    Model *model;
    const PredictMode *mode;
    size_t max_length;      // tokens
    GenerationConfig usual; // what the model's files say about generation
    Slice src_lang,
        tgt_lang;          // of texts, where a case does not say; empty = as the tokenizer has it
    size_t max_new_tokens; // where a case does not say; 0 = as the model's files say
    // Labels to choose among where a case names none, the text that each of them makes, and whether they hold one by one.
    struct {
        const Slice *labels;
        size_t n_labels;
        Slice hypothesis;
        bool is_multi;
    } zero_shot;
    double threshold; // from which a label holds, of several at once
    bool explains;    // answers come with what they hang on
    ExplainOptions explain;
    ModelNote note;                // how the model was tuned, where it says so
    const Step *steps[STEPS_MOST]; // that texts of cases go through first
    size_t n_steps;
    ChatTemplate chat; // of a causal LM
    Error *no_chat;    // why its template cannot be used; NULL where it can
    CutSide cut;       // of texts, prompts and contexts that are too long
    bool cut_is_given;
    Slice *class_names; // [n_labels] keys of probabilities: labels, told apart where two are equal
    double *probabilities; // scratch [largest output of one case]
    size_t n_probabilities;
    Log *log;       // of progress; NULL = it is not told
    size_t n_lines; // of the input; 0 = not known
    Arena arena;
} Predictor;

// A way of answering.
struct PredictMode {
    const char *name;
    bool concludes; // its answer is chosen by the model's numbers, which must be finite for that
    ModelHead head; // that it needs; HEAD_COUNT = any but HEAD_EMBEDDING
    const char *family; // that answers to a data set in its place (data.h); NULL = none
    bool wants_offsets;
    // Takes the members of a case that were read; NULL: a text or ids, for any model.
    Status (*read)(const Predictor *predictor, Arena *arena, PredictCase *c, Error *err);
    // Works itself on those cases of a chunk that can be worked on, where a mode wants more than one pass of each through the model; `put` then has
    // no logits. NULL: the model's output for each case.
    Status (*work)(Predictor *predictor, Pool *pool, Arena *arena, PredictCase *const *cases,
                   size_t n, Error *err);
    // Puts the members of one answer; logits [rows of this case, width].
    Status (*put)(Predictor *predictor, const PredictCase *c, const float *logits, JsonWriter *w,
                  Error *err);
};

// read_case.c: reads a line's members and makes the model's input of them, or leaves that to the mode's `read`. `name` and
// `line_number` are of messages. All lies in the arena, or in `line`, which has to stay as long.
Status predict_read_case(const Predictor *predictor, Arena *arena, Slice name, size_t line_number,
                         Slice line, PredictCase *c, Error *err) MUST_CHECK;

// misspelt.c: refuses a member that is nearly one that would change the answer, and is neither known nor beside that one.
// keys: of all members.
Status predict_refuse_misspelt(const Predictor *predictor, const JsonlTexts *keys,
                               bool (*is_known)(Slice key), Error *err) MUST_CHECK;

// Where what is too long is cut: as the case says, else the command line, else as is usual in the mode. STATUS_INVALID for a
// side that is none.
Status predict_cut_side(const Predictor *predictor, const PredictCase *c, CutSide usual,
                        CutSide *out, Error *err) MUST_CHECK;
// The ids of a text and its pair, if there is one, cut as wanted: usually from the right, and then c->is_cut is set.
Status predict_encode_ids(const Predictor *predictor, Arena *arena, const JsonlText *text,
                          const JsonlText *pair, PredictCase *c, Error *err) MUST_CHECK;

// stream.c: answers the cases of `in`, at most `batch` of them at a time, each in its place; a case that fails is a failure
// in `out` and stops nothing. What ends it: input that cannot be read, output that cannot be written, no memory, Ctrl-C.
Status predict_stream(Predictor *predictor, Pool *pool, Resume *resume, size_t batch, JsonlOut *out,
                      Error *err) MUST_CHECK;

// modes.c
extern const PredictMode predict_modes[];
extern const char *const predict_mode_names[]; // the same names, each once, ended by NULL
enum { N_PREDICT_MODES = 12 };

// windows.c: tags and answers of texts that are too long for one pass.
enum { SPAN_STRIDE = 128 }; // tokens of a passage that windows share, as field and suites have it
// Splits the text of a case, whose whole encoding is there; leaves it alone where that cannot be: then it is cut.
Status predict_windows_encode(const Predictor *predictor, Arena *arena, PredictCase *c,
                              Error *err) MUST_CHECK;
TokenSequence predict_window_input(const PredictCase *c, size_t window);
// The scores of the whole encoding's tokens [n_tokens, width] from those of the windows, end to end. In the arena.
Status predict_windows_join(const PredictCase *c, const float *logits, size_t width, Arena *arena,
                            float **out, Error *err) MUST_CHECK;

// family.c: cases that are answered as a suite answers them.
bool predict_family_wants(const Predictor *predictor, const PredictCase *c);
Status predict_family_read(const Predictor *predictor, Arena *arena, PredictCase *c,
                           Error *err) MUST_CHECK;
// How many sequences go through the model.
size_t predict_family_inputs(const PredictCase *c, const TokenSequence **out);
Status predict_family_put(Predictor *predictor, const PredictCase *c, const float *logits,
                          Arena *arena, JsonWriter *w, Error *err) MUST_CHECK;

// zero_shot.c: candidate labels, whose hypotheses go through the model each.
bool predict_zero_shot_wants(const Predictor *predictor, const PredictCase *c);
Status predict_zero_shot_read(const Predictor *predictor, Arena *arena, PredictCase *c,
                              Error *err) MUST_CHECK;
size_t predict_zero_shot_inputs(const PredictCase *c, const TokenSequence **out);
Status predict_zero_shot_put(Predictor *predictor, const PredictCase *c, const float *logits,
                             Arena *arena, JsonWriter *w, Error *err) MUST_CHECK;

// modes.c: the likeliest span of tokens, and its probability.
Status predict_best_span(const PredictCase *c, const float *logits, Arena *arena, size_t *begin,
                         size_t *end, double *score, Error *err) MUST_CHECK;

// explain.c: attributions of an answer, behind its other members.
Status predict_explain_check(const Predictor *predictor, Error *err) MUST_CHECK;
Status predict_explain_put(Predictor *predictor, Pool *pool, const PredictCase *c,
                           const float *logits, Arena *arena, JsonWriter *w, Error *err) MUST_CHECK;

// search.c: encoder-decoders.
Status predict_search_read(const Predictor *predictor, Arena *arena, PredictCase *c,
                           Error *err) MUST_CHECK;
Status predict_search_work(Predictor *predictor, Pool *pool, Arena *arena,
                           PredictCase *const *cases, size_t n, Error *err) MUST_CHECK;
Status predict_search_put(Predictor *predictor, const PredictCase *c, const float *logits,
                          JsonWriter *w, Error *err) MUST_CHECK;

// How a line wants tokens searched for or drawn, where it leaves something out as the model's files say; sets search.n_results.
Status predict_beam_options(const Predictor *predictor, Arena *arena, PredictCase *c,
                            Error *err) MUST_CHECK;
// max_length and min_length of a line, which count the n_before tokens before the first.
Status predict_lengths(PredictCase *c, size_t n_before, Error *err) MUST_CHECK;

// pll.c: pseudo-log-likelihoods.
Status predict_pll_work(Predictor *predictor, Pool *pool, Arena *arena, PredictCase *const *cases,
                        size_t n, Error *err) MUST_CHECK;
Status predict_pll_put(Predictor *predictor, const PredictCase *c, const float *logits,
                       JsonWriter *w, Error *err) MUST_CHECK;

// generate.c: causal language models.
Status predict_loglik_read(const Predictor *predictor, Arena *arena, PredictCase *c,
                           Error *err) MUST_CHECK;
Status predict_loglik_work(Predictor *predictor, Pool *pool, Arena *arena,
                           PredictCase *const *cases, size_t n, Error *err) MUST_CHECK;
Status predict_loglik_put(Predictor *predictor, const PredictCase *c, const float *logits,
                          JsonWriter *w, Error *err) MUST_CHECK;
// The model's chat template, or why it cannot be used, which only a case with "messages" is told.
Status predict_open_chat(Predictor *predictor, const char *path, Error *err) MUST_CHECK;
Status predict_generate_read(const Predictor *predictor, Arena *arena, PredictCase *c,
                             Error *err) MUST_CHECK;
Status predict_generate_work(Predictor *predictor, Pool *pool, Arena *arena,
                             PredictCase *const *cases, size_t n, Error *err) MUST_CHECK;
Status predict_generate_put(Predictor *predictor, const PredictCase *c, const float *logits,
                            JsonWriter *w, Error *err) MUST_CHECK;

// choose_mode.c
// The row of predict_mode_names[asked] that the head has, where several models answer so; else the first of that name.
const PredictMode *predict_mode_for(size_t asked, ModelHead head);
// The mode of a head when none is asked for.
const PredictMode *predict_mode_of(ModelHead head);
// STATUS_INVALID where the model's head cannot answer so.
Status predict_mode_check(const PredictMode *mode, const Model *model, Error *err) MUST_CHECK;
// Names of classes for answers.
Status predict_class_names(Predictor *predictor, Error *err) MUST_CHECK;

// Whether an answer of the model is the output's rows as they are, one a token, and how some of them are put into the array: the
// text of one answer may be larger than all else in memory, so it is handed on row by row. Rows lie `stride` floats apart.
bool predict_has_rows(const Predictor *predictor);
Status predict_put_rows(const Predictor *predictor, const float *rows, size_t n_rows, size_t stride,
                        JsonlOut *out, Error *err) MUST_CHECK;

// Refuses a score that is no finite number.
Status predict_want_finite(double score, Error *err) MUST_CHECK;

#endif
