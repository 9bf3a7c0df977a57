#include "tests/models/forward_golden.h"

#include <math.h>
#include <stdio.h>

#include "tests/models/model_support.h"
#include "tests/support/shared.h"

ForwardGolden forward_golden_open(const char *name, const char *directory)
{
    ForwardGolden g = {.name = name};
    Error err = {0};
    char relative[160];
    const ModelOptions options = {.without_tokenizer = 1};
    // shared_path has one buffer, so a path is used before the next is made.
    snprintf(relative, sizeof relative, "goldens/models/%s/forward.json", name);
    want_ok(json_load(shared_path(relative), JSON_STRICT, &g.json, &err), &err);
    snprintf(relative, sizeof relative, "goldens/models/%s/forward.safetensors", name);
    want_ok(safetensors_open(shared_path(relative), &g.tensors, &err), &err);
    snprintf(relative, sizeof relative, "models/%s", name);
    want_ok(model_open(directory ? directory : shared_path(relative), &options, &g.model, &err),
            &err);
    g.pool = open_pool(2);
    return g;
}

void forward_golden_close(ForwardGolden *g)
{
    json_close(&g->json);
    safetensors_close(&g->tensors);
    model_close(&g->model);
    pool_close(&g->pool);
}

double forward_tolerance(const ForwardGolden *g, const char *what)
{
    const Json *entry = json_get(json_get(json_root(g->json), "noise"), what);
    const Json *value = json_get(entry, "fp64_maxdiff");
    return value ? fmin(1e-4, 20 * json_double(value) + 1e-6) : 1e-4;
}
