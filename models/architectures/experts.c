#include "models/architectures/experts.h"

#include <stdio.h>

#include "models/architectures/decoder.h"

const ExpertNames experts_of_mlp = {
    .block = "mlp", .router = "gate", .gate = "gate_proj", .up = "up_proj", .down = "down_proj"};

// ---- config.json ----

static Status read_count(const Json *root, const ExpertKeys *keys, size_t *out, Error *err)
{
    int64_t n = (int64_t)keys->n_experts;
    const bool uses_other = keys->other_count && config_has(root, keys->other_count);
    TRY(json_opt_i64(root, uses_other ? keys->other_count : keys->count, 0, 1 << 16, &n, err));
    *out = (size_t)n;
    return STATUS_OK;
}

// What training in Transformers would add.
static Status read_training(const Json *root, ExpertsConfig *e, Error *err)
{
    bool balances = false;
    float noise = 0;
    TRY(json_opt_bool(root, "output_router_logits", &balances, err));
    TRY(config_read_float(root, "router_jitter_noise", 0, 1, 0, &noise, err));
    e->not_tuned = balances ? "output_router_logits" : noise > 0 ? "router_jitter_noise" : NULL;
    return STATUS_OK;
}

Status experts_check(const Json *root, const ExpertsConfig *e, Error *err)
{
    if (e->n_experts == 0 || e->n_active <= e->n_experts) return STATUS_OK;
    return json_error(root, err, "a token goes to %zu experts, but there are %zu", e->n_active,
                      e->n_experts);
}

Status experts_read(const Json *root, const ExpertKeys *keys, ModelConfig *c, Error *err)
{
    ExpertsConfig *e = &c->experts;
    bool normalizes = keys->route == ROUTE_SOFTMAX_TOP;
    *e = (ExpertsConfig){.names = keys->names, .route = keys->route};
    TRY(read_count(root, keys, &e->n_experts, err));
    TRY(config_read_size_or(root, "num_experts_per_tok", keys->n_active, &e->n_active, err));
    e->inner_size = c->intermediate_size;
    if (keys->inner_size)
        TRY(config_read_size_or(root, keys->inner_size, keys->usual_inner, &e->inner_size, err));
    if (keys->normalizes) TRY(json_opt_bool(root, keys->normalizes, &normalizes, err));
    if (keys->normalizes) e->route = normalizes ? ROUTE_SOFTMAX_TOP : ROUTE_SOFTMAX;
    TRY(experts_check(root, e, err));
    return read_training(root, e, err);
}

void experts_write(const ModelConfig *c, const ExpertKeys *keys, JsonWriter *w)
{
    const ExpertsConfig *e = &c->experts;
    json_member_u64(w, keys->count, e->n_experts);
    json_member_u64(w, "num_experts_per_tok", e->n_active);
    if (keys->inner_size) json_member_u64(w, keys->inner_size, e->inner_size);
    if (keys->normalizes) json_member_bool(w, keys->normalizes, e->route == ROUTE_SOFTMAX_TOP);
}

Status experts_read_dense(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    const Json *list = NULL;
    int64_t step = 1;
    bool *is_dense = NULL;
    TRY(json_opt_kind(root, "mlp_only_layers", JSON_ARRAY, &list, err));
    TRY(json_opt_i64(root, "decoder_sparse_step", 1, 1 << 24, &step, err));
    TRY(arena_take(arena, c->n_layers, sizeof *is_dense, "layers", &is_dense, err));
    for (size_t i = 0; i < c->n_layers; i++) is_dense[i] = (i + 1) % (size_t)step != 0;
    for (const Json *v = json_first(list); v; v = json_next(v)) {
        int64_t layer = 0;
        TRY(json_as_i64(v, 0, 1 << 24, &layer, err));
        if ((size_t)layer < c->n_layers) is_dense[layer] = true;
    }
    c->experts.is_dense = is_dense;
    return STATUS_OK;
}

void experts_write_dense(const ModelConfig *c, JsonWriter *w)
{
    json_member_u64(w, "decoder_sparse_step", 1);
    json_member_array(w, "mlp_only_layers");
    for (size_t i = 0; i < c->n_layers; i++) {
        if (!experts_are_in(c, i)) json_put_u64(w, i);
    }
    json_end_array(w);
}

// ---- config.json where some experts are every token's ----

// Which layers have experts, and the part of them that is every token's.
Status experts_read_layers(Arena *arena, const Json *root, int64_t n_dense, int64_t n_shared,
                           ModelConfig *c, Error *err)
{
    bool *is_dense = NULL;
    TRY(json_opt_i64(root, "first_k_dense_replace", 0, 1 << 24, &n_dense, err));
    TRY(json_opt_i64(root, "n_shared_experts", 0, 1 << 16, &n_shared, err));
    TRY(arena_take(arena, c->n_layers, sizeof *is_dense, "layers", &is_dense, err));
    for (size_t i = 0; i < c->n_layers; i++) is_dense[i] = i < (size_t)n_dense;
    c->experts.is_dense = is_dense;
    c->experts.shares_plainly = true;
    c->experts.shared_size = (size_t)n_shared * c->experts.inner_size;
    return STATUS_OK;
}

// least: experts that a group's score is made of.
Status experts_read_groups(const Json *root, size_t n, size_t n_top, size_t least, ModelConfig *c,
                           Error *err)
{
    ExpertsConfig *e = &c->experts;
    TRY(config_read_size_or(root, "n_group", n, &e->n_groups, err));
    TRY(config_read_size_or(root, "topk_group", n_top, &e->n_top_groups, err));
    const size_t size = e->n_experts / e->n_groups;
    if (e->n_experts % e->n_groups == 0 && size >= least && e->n_top_groups <= e->n_groups &&
        e->n_active <= e->n_top_groups * size)
        return STATUS_OK;
    return json_error(root, err,
                      "%zu of %zu experts in the best %zu of n_group %zu groups: they do not fit",
                      e->n_active, e->n_experts, e->n_top_groups, e->n_groups);
}

Status experts_read_corrected(Arena *arena, const Json *root, const ExpertSharing *s,
                              ModelConfig *c, Error *err)
{
    ExpertsConfig *e = &c->experts;
    const char *further =
        config_has(root, "num_mtp_layers") ? "num_mtp_layers" : "num_nextn_predict_layers";
    int64_t n_further = 0;
    TRY(json_opt_i64(root, further, 0, 1 << 16, &n_further, err));
    c->n_further_blocks = (size_t)n_further;
    TRY(experts_read_layers(arena, root, s->n_dense, s->n_shared, c, err));
    TRY(config_read_float(root, "routed_scaling_factor", 1e-6, 1e6, s->scale, &e->weight_scale,
                          err));
    TRY(config_want_string(root, "scoring_func", "sigmoid", err));
    TRY(config_want_string(root, "topk_method", "noaux_tc", err));
    e->corrects = e->normalizes = true;
    TRY(json_opt_bool(root, "norm_topk_prob", &e->normalizes, err));
    return experts_read_groups(root, s->n_groups, s->n_top_groups, 2, c, err);
}

void experts_write_layers(const ModelConfig *c, JsonWriter *w)
{
    const ExpertsConfig *e = &c->experts;
    size_t n_dense = 0;
    while (n_dense < c->n_layers && e->is_dense && e->is_dense[n_dense]) n_dense++;
    json_member_u64(w, "first_k_dense_replace", n_dense);
    json_member_u64(w, "n_shared_experts", e->inner_size > 0 ? e->shared_size / e->inner_size : 0);
    json_member_float(w, "routed_scaling_factor", e->weight_scale);
    if (e->route == ROUTE_SIGMOID) {
        json_member_bool(w, "norm_topk_prob", e->normalizes);
        json_member_u64(w, "num_nextn_predict_layers", 0); // which a file of ours has not
    }
    if (e->n_groups == 0) return;
    json_member_u64(w, "n_group", e->n_groups);
    json_member_u64(w, "topk_group", e->n_top_groups);
}

// ---- the layer ----

bool experts_are_in(const ModelConfig *c, size_t layer)
{
    return c->experts.n_experts > 0 && !(c->experts.is_dense && c->experts.is_dense[layer]);
}

static unsigned bias_flag(const ModelConfig *c)
{
    return c->experts.names->has_biases ? 0 : DENSE_NO_BIAS;
}

// Names below the tape's prefix: BEFORE and the layer's own.
static TapeExpert expert(Tape *t, const ModelConfig *c, const char *before, size_t inner)
{
    const ExpertNames *names = c->experts.names;
    const char *const layers[EXPERT_LAYERS] = {names->gate, names->up, names->down};
    TapeExpert expert = {{0}, {0}};
    for (size_t i = 0; i < EXPERT_LAYERS; i++) {
        char name[80];
        const bool is_down = i == EXPERT_DOWN;
        (void)snprintf(name, sizeof name, "%s%s", before, layers[i]);
        const DensePart part = {name, is_down ? c->hidden_size : inner};
        const Dense layer =
            tape_dense_parts(t, &part, 1, is_down ? inner : c->hidden_size, bias_flag(c));
        expert.weights[i] = layer.weight;
        expert.biases[i] = layer.bias;
    }
    return expert;
}

static GatedArgs gated(const ModelConfig *c)
{
    return (GatedArgs){c->activation, c->experts.gate_limit, c->experts.gate_alpha};
}

// What chooses among experts stays exact: another choice is another model.
static Value logits(Tape *t, const ModelConfig *c, Value x, const char *name, size_t n)
{
    const DensePart part = {name, n};
    const Dense layer = tape_dense_parts(t, &part, 1, value_cols(x), bias_flag(c));
    tape_keep_exact(t, layer);
    return tape_linear(t, x, layer, ACTIVATION_NONE);
}

static ParamId correction(Tape *t, const ModelConfig *c)
{
    const ExpertNames *names = c->experts.names;
    const char *name = names->correction ? names->correction : "gate.e_score_correction_bias";
    return names->correction_is_row ? tape_buffer(t, name, c->experts.n_experts)
                                    : tape_fixed_vector(t, name, c->experts.n_experts);
}

Route experts_route(Tape *t, const ModelConfig *c, Value x)
{
    const ExpertsConfig *e = &c->experts;
    const RouteArgs args = {.kind = e->route,
                            .n_groups = e->n_groups,
                            .n_top_groups = e->n_top_groups,
                            .normalizes = e->normalizes,
                            .floor = e->floor,
                            .tolerance = e->tolerance,
                            .scale = e->weight_scale};
    const Value of_all = logits(t, c, x, e->names->router, e->n_experts);
    const ParamId bias = e->corrects ? correction(t, c) : PARAM_NONE;
    const ParamId factors =
        e->names->factors ? tape_vector(t, e->names->factors, e->n_experts, INIT_ONE) : PARAM_NONE;
    return tape_route(t, of_all, e->n_active, bias, factors, &args);
}

Value experts_mixed(Tape *t, const ModelConfig *c, Route route, Value x)
{
    const ExpertsConfig *e = &c->experts;
    TapeExpert *list = arena_alloc(t->arena, e->n_experts, sizeof *list);
    if (!list) {
        tape_fail(t, STATUS_MEMORY, "a mixture of experts");
        return x;
    }
    for (size_t i = 0; i < e->n_experts; i++) {
        char before[32];
        (void)snprintf(before, sizeof before, "experts.%zu.", i);
        list[i] = expert(t, c, before, e->inner_size);
    }
    return tape_experts(t, x, route, list, e->n_experts, gated(c));
}

// The expert of every token, by a weight of its own.
static Value shared(Tape *t, const ModelConfig *c, Value x)
{
    const RouteArgs by_itself = {.kind = ROUTE_SIGMOID};
    const Route every = tape_route(t, logits(t, c, x, "shared_expert_gate", 1), 1, PARAM_NONE,
                                   PARAM_NONE, &by_itself);
    const TapeExpert only = expert(t, c, "shared_expert.", c->experts.shared_size);
    return tape_experts(t, x, every, &only, 1, gated(c));
}

// The same without a weight: a gated layer beside the others.
static Value plainly_shared(Tape *t, const ModelConfig *c, size_t layer, Value x)
{
    const ExpertNames *names = c->experts.names;
    tape_prefix(t, "model.layers.%zu.%s.%s.", layer, names->block,
                names->shared ? names->shared : "shared_experts");
    return decoder_gated_layer(t, c, c->experts.shared_size, x);
}

Value experts_layer(Tape *t, const ModelConfig *c, size_t layer, Value x)
{
    const ExpertsConfig *e = &c->experts;
    tape_prefix(t, "model.layers.%zu.%s.", layer, e->names->block);
    const Value y = experts_mixed(t, c, experts_route(t, c, x), x);
    if (e->shared_size == 0) return y;
    return tape_add(t, y, e->shares_plainly ? plainly_shared(t, c, layer, x) : shared(t, c, x));
}
