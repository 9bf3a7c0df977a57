// tools/predict/data.h: `assay predict` on a data set: a file of questions, tagged words, texts or pairs, as suites read them.
// Internal to cmd_predict.c and this folder.
#ifndef ASSAY_TOOLS_PREDICT_DATA_H
#define ASSAY_TOOLS_PREDICT_DATA_H

#include "datasets/reader.h"
#include "harness/family.h"
#include "tools/predict/predict.h"

// Whether --in is a data set and no JSON Lines of cases: by --format, or by its name: tables, columns of tags, and JSON that
// begins as documents of questions do. The reader comes out; NULL where it is none.
Status predict_data_reader(const CommandLine *line, const Reader **out, Error *err) MUST_CHECK;

// Answers to all samples, as `assay run` would have them. *out is open.
Status predict_data(Predictor *predictor, Pool *pool, const CommandLine *line, const Reader *reader,
                    JsonlOut *out, Error *err) MUST_CHECK;

// ---- data_out.c ----

typedef enum DataForm {
    DATA_JSONL, // an object a sample
    DATA_SQUAD, // one object from ids to answers
    DATA_CONLL, // a word and its tag a line, an empty line behind each sentence
    DATA_TSV,   // id, label and its probability
    DATA_CSV,
    N_DATA_FORMS,
} DataForm;
extern const char *const data_form_names[]; // ended by NULL

typedef struct DataOut {
    JsonlOut *to;
    DataForm form;
    const TaskData *data;
    bool is_crows_pairs; // scores have the names that the authors' program gives them
    size_t n;
} DataOut;

// The form asked for, or the one that the name of --out stands for; refused where answers of the family cannot have it.
Status data_form_of(const CommandLine *line, const Family *family, DataForm *out,
                    Error *err) MUST_CHECK;
// An answer; samples come in their order.
Status data_out_put(DataOut *out, const Sample *sample, const Answers *answers, size_t i,
                    Error *err) MUST_CHECK;
Status data_out_end(DataOut *out, Error *err) MUST_CHECK;

#endif
