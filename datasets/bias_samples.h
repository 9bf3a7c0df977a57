// datasets/bias_samples.h: what readers of sets about bias share. Internal to datasets/.
#ifndef ASSAY_DATASETS_BIAS_SAMPLES_H
#define ASSAY_DATASETS_BIAS_SAMPLES_H

#include "datasets/readers.h"

enum { BIAS_MOST_CHOICES = 3, BIAS_MOST_ATTRIBUTES = 4 };

// One sample as it is put together; texts may be borrowed from anything that lives until bias_sample_add.
typedef struct BiasSample {
    size_t line;
    Slice id, text, pair, context, group;
    Slice choices[BIAS_MOST_CHOICES];
    size_t n_choices;
    int32_t gold;
    SampleBias bias;
    SampleAttribute attributes[BIAS_MOST_ATTRIBUTES];
    size_t n_attributes;
} BiasSample;

// Without any label; line counts from 1.
BiasSample bias_sample(size_t line);
void bias_sample_attribute(BiasSample *sample, const char *name, Slice value);
// Copies the texts into the input's arena and hands the sample on.
Status bias_sample_add(const ReadInput *input, const BiasSample *sample, Error *err) MUST_CHECK;

// The whole text as one JSON document; closed by the caller.
Status bias_open_json(const ReadInput *input, JsonDocument **out, Error *err) MUST_CHECK;
// Lines of a document's values, asked for in their order. Zero it first.
typedef struct LineCount {
    size_t at, n_breaks;
} LineCount;
size_t bias_line_of(const Json *value, LineCount *count);
// The file that "winobias" reads beside one, there or not; NULL where the name has neither "pro_" nor "anti_" (or memory runs
// out). *is_pro says which of the two was named.
char *winobias_twin(Arena *arena, Slice path, bool *is_pro);
#define WINOGENDER_STATISTICS "occupations-stats.tsv"
// Its text, decoded as the input was; the input's hash covers it too.
Status bias_read_beside(const ReadInput *input, const char *path, Slice *out,
                        Error *err) MUST_CHECK;

#endif
