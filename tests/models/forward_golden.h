// tests/models/forward_golden.h: what Transformers answers (goldens/models/NAME/forward.*), beside the model opened here.
#ifndef ASSAY_TESTS_MODELS_FORWARD_GOLDEN_H
#define ASSAY_TESTS_MODELS_FORWARD_GOLDEN_H

#include "base/json.h"
#include "models/formats/safetensors.h"
#include "models/model.h"

typedef struct ForwardGolden {
    const char *name;
    JsonDocument *json;
    Safetensors tensors;
    Model *model; // without its tokenizer
    Pool *pool;   // of 2 threads
} ForwardGolden;

// directory: of the model; NULL = models/NAME of the shared folder. Fails the test where one of the files is absent.
ForwardGolden forward_golden_open(const char *name, const char *directory);
void forward_golden_close(ForwardGolden *golden);

// How far an output may be off: what goldens/models/README.md accepts, 1e-4 and 20 times the reference's own noise.
double forward_tolerance(const ForwardGolden *golden, const char *what);

#endif
