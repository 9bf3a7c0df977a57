// models/architectures/experts.h: feed-forward layers that are mixtures of experts, for decoders' files.
//
//     y = sum over the n_active largest r_e of w_e E_e(x) (+ sigmoid(s x) S(x)),  r = W_r x,  w of r as OP_ROUTE has it
//     E_e(x) = W_down (act(W_gate x) * W_up x), S likewise; gpt-oss with biases, and OP_GATED's limit
//
// Sources: Jiang et al. 2024, arXiv:2401.04088 (Mixtral); Dai et al. 2024, arXiv:2401.06066, for experts that all share.
#ifndef ASSAY_MODELS_ARCHITECTURES_EXPERTS_H
#define ASSAY_MODELS_ARCHITECTURES_EXPERTS_H

#include "models/config_read.h"
#include "models/program/tape.h"

// Tensors of a checkpoint, below "model.layers.N.": BLOCK.ROUTER.weight, BLOCK.experts.E.GATE.weight, ...
struct ExpertNames {
    const char *block, *router;
    const char *gate, *up, *down;
    const char
        *shared; // below BLOCK, what is every token's without a weight; NULL: "shared_experts"
    // Files that have all experts of a layer as one tensor below BLOCK (checkpoint_experts.c) call them so: gate and up one behind the
    // other for each expert, and down. NULL: as Transformers 5 calls them in memory, "experts.gate_up_proj" and "experts.down_proj".
    const char *stacked_gate_up, *stacked_down;
    const char *correction; // of choices, below BLOCK; NULL: "gate.e_score_correction_bias"
    bool correction_is_row; // a matrix of one row
    const char *factors;    // of experts' weights, likewise; NULL without
    bool has_biases;        // of the router too
    // Files of Transformers have the layer so: "experts.gate_up_proj" with inputs first and gates and up projections in turn,
    // "experts.down_proj" with inputs first, and their "_bias"; or outputs first in MXFP4, as "_blocks" and "_scales" (gpt-oss).
    bool is_turned;
};

// Those of Qwen and OLMo: "mlp.experts.E.gate_proj", ...
extern const ExpertNames experts_of_mlp;

// Members of config.json.
typedef struct ExpertKeys {
    const ExpertNames *names;
    const char *count, *other_count; // "num_experts"; another spelling, or NULL
    size_t n_experts, n_active;      // where the file is silent
    const char *inner_size;          // NULL: intermediate_size
    size_t usual_inner;
    RouteKind route;
    const char *
        normalizes; // member that makes weights add up to 1, where it may be silent; NULL: `route` says all
} ExpertKeys;

// After decoder_read.
Status experts_read(const Json *root, const ExpertKeys *keys, ModelConfig *config,
                    Error *err) MUST_CHECK;
// Whether there are as many as a token goes to, where there are any.
Status experts_check(const Json *root, const ExpertsConfig *experts, Error *err) MUST_CHECK;
void experts_write(const ModelConfig *config, const ExpertKeys *keys, JsonWriter *w);

// After experts_read: layers of mlp_only_layers are dense, and all but every decoder_sparse_step-th.
Status experts_read_dense(Arena *arena, const Json *root, ModelConfig *config,
                          Error *err) MUST_CHECK;
void experts_write_dense(const ModelConfig *config, JsonWriter *w);

// DeepSeek's kind: the first n_dense layers have none, and n_shared of a layer are every token's; where the file is silent.
typedef struct ExpertSharing {
    int64_t n_dense, n_shared;
    double scale; // of weights
    size_t n_groups, n_top_groups;
} ExpertSharing;

// After experts_read: which layers have experts (first_k_dense_replace, n_shared_experts); groups of which the best are chosen from,
// where `least` is how many experts a group's score is made of; and all that there is about sigmoids that choices correct.
Status experts_read_layers(Arena *arena, const Json *root, int64_t n_dense, int64_t n_shared,
                           ModelConfig *config, Error *err) MUST_CHECK;
Status experts_read_groups(const Json *root, size_t n, size_t n_top, size_t least,
                           ModelConfig *config, Error *err) MUST_CHECK;
Status experts_read_corrected(Arena *arena, const Json *root, const ExpertSharing *sharing,
                              ModelConfig *config, Error *err) MUST_CHECK;
void experts_write_layers(const ModelConfig *config, JsonWriter *w);

// Whether layer i has experts; what such a layer makes of x.
bool experts_are_in(const ModelConfig *config, size_t layer);
Value experts_layer(Tape *tape, const ModelConfig *config, size_t layer, Value x);
// Its two steps, for who chooses by something else than what experts read; below the tape's prefix.
Route experts_route(Tape *tape, const ModelConfig *config, Value x);
Value experts_mixed(Tape *tape, const ModelConfig *config, Route route, Value x);

#endif
