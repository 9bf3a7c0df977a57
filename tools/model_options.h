// tools/model_options.h: the options of commands that open a model: where it runs, with how many threads, in which numbers.
#ifndef ASSAY_TOOLS_MODEL_OPTIONS_H
#define ASSAY_TOOLS_MODEL_OPTIONS_H

#include "base/pool.h"
#include "models/model.h"
#include "tools/command.h"

extern const char *const compute_choices[]; // "f32", "tf32", "bf16", "int8"
extern const char *const blas_choices[];    // "own", "openblas"
extern const char *const kv_choices[];      // "f32", "f16", "bf16"

// Rows for a command's table.
#define MODEL_OPTION_ROWS                                                                    \
    {.name = "threads",                                                                      \
     .kind = OPTION_INTEGER,                                                                 \
     .value = "N",                                                                           \
     .fallback = "0",                                                                        \
     .highest = 1024,                                                                        \
     .help = "threads to work with; 0 is as many as this process may use"},                  \
        {.name = "device",                                                                   \
         .kind = OPTION_TEXT,                                                                \
         .value = "DEVICE",                                                                  \
         .fallback = "cpu",                                                                  \
         .help = "where to compute: cpu, or cuda:N for a GPU"},                              \
        {.name = "compute",                                                                  \
         .kind = OPTION_CHOICE,                                                              \
         .value = "KIND",                                                                    \
         .fallback = "f32",                                                                  \
         .choices = compute_choices,                                                         \
         .help = "products in true fp32; with TF32 inputs on a GPU that has it; on a CPU "   \
                 "with AVX-512 in bf16 (faster where it is AVX512_BF16), or with inputs "    \
                 "rounded to int8 and weights in blocks of 8 bits (quantised ones as they "  \
                 "are), the fastest"},                                                       \
    {                                                                                        \
        .name = "blas", .kind = OPTION_CHOICE, .value = "KIND", .fallback = "own",           \
        .choices = blas_choices,                                                             \
        .help = "kernels of forward products; openblas is not the same bits for every batch" \
    }

// For commands that ask a model and do not tune it.
#define MODEL_OPTION_MMAP                                                                    \
    {                                                                                        \
        .name = "mmap", .kind = OPTION_FLAG,                                                 \
        .help = "read weights where their files are mapped: starts at once, shared between " \
                "processes, the same answers, slower"                                        \
    }

// For commands that write texts, score them, or tell what that takes.
#define MODEL_OPTION_KV                                                                         \
    {                                                                                           \
        .name = "kv", .kind = OPTION_CHOICE, .value = "KIND", .fallback = "f32",                \
        .choices = kv_choices,                                                                  \
        .help = "what a causal language model keeps the keys and values of its context in: in " \
                "16 bits they take half the memory, and long contexts are read faster"          \
    }

// "cpu", "cuda" or "cuda:N".
Status device_parse(const char *text, Device *out, Error *err) MUST_CHECK;
// What --compute of compute_choices says.
ComputeMode compute_option(const CommandLine *line);
// --device, of a command with --compute; refused where the two do not go together.
Status device_option(const CommandLine *line, Device *out, Error *err) MUST_CHECK;
// Fills device, compute and openblas_forward of a zeroed *out.
Status model_options_read(const CommandLine *line, ModelOptions *out, Error *err) MUST_CHECK;
// --mmap, of a command with MODEL_OPTION_MMAP; refused beside what cannot read mapped weights.
Status model_options_mmap(const CommandLine *line, ModelOptions *out, Error *err) MUST_CHECK;
// What --kv of kv_choices says.
DType kv_option(const CommandLine *line);
// --kv, of a command with MODEL_OPTION_KV; refused beside a GPU.
Status model_options_kv(const CommandLine *line, ModelOptions *out, Error *err) MUST_CHECK;
// Refuses --kv of 16 bits for a model that keeps no keys and values.
Status model_options_kv_check(const CommandLine *line, const Model *model, Error *err) MUST_CHECK;
// A pool of --threads.
Status model_options_pool(const CommandLine *line, Pool **out, Error *err) MUST_CHECK;
// Opens a model for answers. Where its tokenizer alone cannot be read, which is said in the log, it is left out: ids can be
// worked on all the same. Tensors that the model has no use for are named in the log.
Status model_options_open(const CommandLine *line, const char *directory, ModelOptions *options,
                          Model **out, Error *err) MUST_CHECK;
// Says in the log what tensors of its files the model has no use for.
void model_options_tell_unused(Log *log, const char *path, const Model *model);
// Says in the log where the tokenizer has far fewer tokens than the embedding has rows: its files are cut short then, or those
// of another model, and texts become other ids than they should.
void model_options_tell_short(Log *log, const char *path, const Model *model);
// Says in the log where a tokenizer is not what its tokenizer.json says (tokenizer_departure); tokenizer may be NULL.
void model_options_tell_departure(Log *log, const char *path, const Tokenizer *tokenizer);

#endif
