// tests/metrics/golden.h: walking the reference files, one JSON document a line, and comparing numbers.
#ifndef ASSAY_TESTS_METRICS_GOLDEN_H
#define ASSAY_TESTS_METRICS_GOLDEN_H

#include "base/file.h"
#include "base/json.h"
#include "metrics/evaluate.h"

typedef struct Golden {
    LineReader *lines;
    JsonDocument *document;
    size_t line;
} Golden;

// relative is below the folder of the reference metrics. Skips the calling test where the file is absent.
Golden golden_open(const char *relative);
// The next record after the header, or NULL at the end. Records that hold U+0000, which a JSON tree refuses, are passed
// over.
const Json *golden_next(Golden *golden);
void golden_close(Golden *golden);

// A number, or one of the strings "NaN", "Infinity", "-Infinity".
double golden_double(const Json *value);
// The same of a member; fails the test where it is missing.
double golden_get(const Json *object, const char *key);
// Elements of an array as doubles, in the arena; none where there is no array.
double *golden_doubles(Arena *arena, const Json *array, size_t *n);

// Within `relative`, or `absolute` near 0; NaN equals NaN.
bool is_close(double got, double want, double relative, double absolute);
void expect_close(double got, double want, double relative, const char *what, size_t line);

// A plan for a metric by name with params as JSON text (or NULL) over n labels "0", "1", ..; all in the arena. The
// document of params lives until plan_release.
typedef struct TestPlan {
    Arena arena;
    JsonDocument *params;
    MetricPlan plan;
} TestPlan;
void plan_open(TestPlan *plan, const char *metric, const char *params, size_t n_labels);
void plan_release(TestPlan *plan);

#endif
