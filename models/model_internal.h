// models/model_internal.h: what a Model is made of; for the .c files of models/, models/generation/ and models/training/ only.
#ifndef ASSAY_MODELS_MODEL_INTERNAL_H
#define ASSAY_MODELS_MODEL_INTERNAL_H

#include "base/arena.h"
#include "base/json.h"
#include "models/formats/safetensors.h"
#include "models/model.h"
#include "models/program/program.h"

// A thread's own: where it runs, its slots, and room to put a unit's arrays together.
typedef struct Worker {
    Exec *exec;
    WorkerMemory memory;                       // of the program for answers
    WorkerMemory train_memory;                 // of tuning runs; kept from one to the next
    WorkerMemory source_memory, target_memory; // of searches, likewise; their keys and bookkeeping:
    Arena search_arena;
    ArenaMark search_mark; // what is reserved: search_bytes
    size_t search_bytes;
    int32_t *words; // ids, positions, types, offsets, keys of a unit
    size_t n_words;
    float *rows; // output rows copied from a device
    size_t n_rows;
} Worker;

// Memory that one tuning run leaves to the next: fresh pages cost more than zeroing known ones.
typedef struct ModelBlock {
    float *data;
    size_t n; // floats
    bool is_taken;
} ModelBlock;

enum { MODEL_MAX_BLOCKS = 8 };

struct Model {
    Arena arena;
    ExecOptions exec_options;
    ModelConfig config;
    char *directory;           // whose tokenizer files travel with model_save; NULL where none
    JsonDocument *config_file; // as read; NULL for a created model
    JsonDocument *
        generation_file; // generation_config.json, or a GGUF file's copy of it; NULL where there is none
    Tokenizer *tokenizer;
    // Closes the two above; NULL for a model made without files, which so needs no code that reads them.
    void (*close_files)(Model *model);
    int wants_normalized;
    char pool_folder[64]; // CheckpointEmbedding.pool_folder; empty where no file was asked
    Tape tape;
    Program *program;         // for answers
    float *weights;           // [tape.n_floats] on the device
    float *kept;              // copy of model_keep, or NULL
    bool keeps_stored;        // asked for with ModelOptions.keep_stored
    bool only_looked_at;      // ModelOptions.only_looked_at
    bool is_mapped;           // matrices are read where `files` maps them
    struct Checkpoint *files; // kept open where is_mapped; closed by close_files
    Slice unused;             // names of the files' tensors that nothing here is made of, quoted
    size_t n_unused;
    size_t kept_tokens; // ModelOptions.kept_tokens
    DType kv_dtype;     // ModelOptions.kv_dtype
    bool *is_fresh;     // [n_params] drawn from the seed
    Worker *workers;
    Exec **execs; // [n_workers] those of the workers, for ProgramHelp
    size_t n_workers;
    struct Cache
        *spare_cache; // an empty one that the last queue left (models/generation); NULL where none
    ModelBlock blocks[MODEL_MAX_BLOCKS];
};

// n zeroed floats on the host; given back, or freed with the model.
Status model_take_block(Model *model, size_t n, float **out, Error *err) MUST_CHECK;
void model_give_block(Model *model, float *block); // a no-op on NULL

// ---- making (model.c) ----

// An empty model with these options.
Status model_start(const ModelOptions *options, Model **out, Error *err) MUST_CHECK;
// What cannot be taken from any file or caller.
Status model_check_config(const ModelConfig *config, Error *err) MUST_CHECK;
// Into the model; texts and arrays are copied.
Status model_copy_config(Model *model, const ModelConfig *config, Error *err) MUST_CHECK;
Status model_copy_labels(Model *model, const Slice *labels, size_t n, Error *err) MUST_CHECK;
// The program for answers of the config in place, and memory for the weights: as `file` stores them where the model keeps
// that; file may be NULL.
Status model_make_program(Model *model, const Safetensors *file, Error *err) MUST_CHECK;

// Records config's architecture and head.
void model_record(const ModelConfig *config, Tape *tape);

// Of a head that reads the last token that is not padding (CLASSIFIED_LAST): the padding of batches in other programs, where the
// files name none. It is a token that ends no text, so that the last one stays the last.
void model_choose_padding(ModelConfig *config, const Tokenizer *tokenizer);

// Of a parameter, what is read where a file is mapped.
uint64_t param_mapped_bytes(const Param *param);

// At least n workers, each with its Exec.
Status model_want_workers(Model *model, size_t n, Error *err) MUST_CHECK;
// job(context, unit, worker) for each unit: a unit a thread, or one unit alone with all threads for each of its operations, by
// *help, which is set meanwhile. Each thread has its worker (model_want_workers). The failure of the earliest unit.
Status model_run_units(Model *model, Pool *pool, size_t n_units, PoolWork job, void *context,
                       const ProgramHelp **help, Error *err) MUST_CHECK;

// ---- weights (model_weights.c) ----

// Chooses how each parameter is kept, by what the file has of it: as numbers, as the file has them, or where the file is mapped.
Status weights_choose_storage(Model *model, const Safetensors *file, Error *err) MUST_CHECK;
// Takes memory for the weights; where the machine has less than they need, says so before anything is read.
Status weights_alloc(Model *model, Error *err) MUST_CHECK;
// Before memory is taken by what config.json says: that the tensors of embeddings and blocks that are there have its shapes.
Status weights_check_shapes(const Model *model, const Safetensors *file, Error *err) MUST_CHECK;
// Fills every parameter from the file. Parameters of the head that are not there are drawn from the seed where
// may_be_fresh; those outside the encoder are so in any case where head_is_new.
Status weights_load(Model *model, const Safetensors *file, bool may_be_fresh, bool head_is_new,
                    uint64_t seed, Error *err) MUST_CHECK;
// Draws every parameter, or those alone that were drawn before.
Status weights_draw(Model *model, bool only_fresh, uint64_t seed, Error *err) MUST_CHECK;
// One parameter, by its ParamInit (weights_draw.c): rows [rows, cols]. range: the deviation of INIT_NORMAL.
void weights_draw_param(const Param *param, float range, uint64_t seed, float *rows);
// One parameter as rows of floats, on the host: [rows, cols].
Status weights_read_param(const Model *model, size_t index, float *rows, Error *err) MUST_CHECK;

// [rows, cols] becomes [cols, rows], in place.
Status weights_transpose(float *matrix, size_t rows, size_t cols, Error *err) MUST_CHECK;
// A tensor's shape in the checkpoint (a vector has one row).
void weights_part_shape(const Param *param, size_t part, size_t *rows, size_t *cols);
// How many dimensions it has there: 1 or 2.
size_t weights_part_dims(const Param *param);
// Brings a part, among the rows of its parameter, from the checkpoint's order of rows to that of use, or back.
Status weights_order_part(const Param *param, size_t part, bool to_tensor, float *rows,
                          Error *err) MUST_CHECK;

// The file's tensor for a part of a parameter (weights_names.c), be it under one of the parameter's other names, without the encoder's prefix or
// in older words; NULL where absent.
const SafeTensor *weights_find_part(const Model *model, const Safetensors *file, const Param *param,
                                    size_t part);

// STATUS_INVALID: lists the tensors that the file lacks, and those that no parameter is made of.
Status weights_missing(const Model *model, const Safetensors *file, bool head_may_be_fresh,
                       Error *err) MUST_CHECK;
// Fills model->unused. head_is_new: the file's own head is not asked for.
Status weights_list_unused(Model *model, const Safetensors *file, bool head_is_new,
                           Error *err) MUST_CHECK;
// Refuses a file that has blocks beyond those of config.json: left out, they would give another model in silence.
Status weights_check_blocks(const Model *model, const Safetensors *file, Error *err) MUST_CHECK;

// A matrix out of a mapped file as f32 or rounded, its rows a stretch at a time, each given back to the system once it is read. Its
// tensors are there and of its shape; scratch [weights_rows_needed, cols]. *is_done false: it must be read whole.
enum { WEIGHTS_STRETCH_BYTES = 1 << 19 };
// Rows of a parameter that are in memory at once beside it while it is loaded; all of them where it must be read whole, or drawn
// (file NULL).
size_t weights_rows_needed(const Model *model, const Param *param, const Safetensors *file);
Status weights_load_rows(Model *model, const Param *param, const Safetensors *file, float *scratch,
                         bool *is_done, Error *err) MUST_CHECK;

// Of parameters kept as stored (weights_stored.c): out of the file that they were chosen by, and as rows of numbers.
Status weights_load_stored(Model *model, const Param *param, const Safetensors *file,
                           Error *err) MUST_CHECK;
// Rows [begin, begin + n_rows) of a parameter that is_rounded, encoded and packed; begin is a multiple of PANEL_WIDTH.
Status weights_put_rounded(Model *model, const Param *param, size_t begin, size_t n_rows,
                           const float *rows, Error *err) MUST_CHECK;
void weights_read_stored(const Model *model, const Param *param, float *rows);

// Finds the parameter and part of a tensor's name.
bool weights_find(const Model *model, Slice name, size_t *param, size_t *part);

// ---- units (model_units.c) ----

// Tokens that a sequence brings into a unit, its targets included.
size_t sequence_rows(const TokenSequence *input);
// One of several sequences or sources, to be sorted: the longest first, equal ones as they came (for qsort).
typedef struct SequenceLength {
    size_t n_tokens, index;
} SequenceLength;
int sequence_longest_first(const void *a, const void *b);

// Which sequences make up a unit.
typedef struct UnitCut {
    size_t *order;  // [n_inputs] indices of inputs, unit after unit
    size_t *starts; // [n_units + 1] into order
    size_t n_units;
} UnitCut;

// For answers: sorted by length, longest first, into units of about target_tokens. In the arena.
Status units_by_length(Arena *arena, const TokenSequence *inputs, size_t n_inputs,
                       size_t target_tokens, UnitCut *out, Error *err) MUST_CHECK;
// For tuning: n_units of about equal size, cut by the lengths and order of the batch alone. In the arena.
Status units_balanced(Arena *arena, const TokenSequence *const *inputs, size_t n_inputs,
                      size_t n_units, UnitCut *out, Error *err) MUST_CHECK;

// Tokens of a unit for answers, but for a longer sequence: UNIT_TOKENS of model_predict.c, thousands on a GPU.
size_t model_unit_tokens(const Model *model);
// The same where n_tokens are all there are: few are shared out among the threads; a sample's bits do not depend on its unit.
size_t predict_unit_tokens(const Model *model, size_t n_tokens, size_t n_threads);
// Rows of a step of writing up to which they are one unit, whose operations all threads share, rather than a unit a thread.
size_t model_rows_together(const Model *model, size_t n_threads);

// Padding as Transformers finds it: the last token that is none; where all is padding, the first.
size_t model_last_of_text(const ModelConfig *config, const TokenSequence *input);

// The last token that ends a text, which CLASSIFIED_END reads; false where there is none.
bool model_find_end(const ModelConfig *config, const TokenSequence *input, size_t *out);
// Puts the arrays of a unit together in the worker's memory; inputs[i] for i < n.
Status worker_gather(Worker *worker, const ModelConfig *config, const TokenSequence *const *inputs,
                     size_t n, Unit *unit, Error *err) MUST_CHECK;

#endif
