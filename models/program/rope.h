// models/program/rope.h: frequencies of rotary embeddings, and how long contexts stretch them.
//
//     default     frequency i = theta^(-2 i / n_dims)
//     linear      divided by factor
//     dynamic     the default up to the first context; beyond it theta grows with the length (NTK-aware)
//     llama3      low frequencies divided by factor, high ones kept, a ramp between (Llama Team 2024, arXiv:2407.21783)
//     yarn        a ramp by the number of turns within the original context (Peng et al. 2023, arXiv:2309.00071)
//     proportional  frequencies of the first `part` of the pairs as of all, divided by factor; the others do not turn (Gemma 4)
//     longrope    each divided by a factor of its own, others for long contexts (Ding et al. 2024, arXiv:2402.13753)
//
// As Transformers' modeling_rope_utils has them, in float where it computes in float.
#ifndef ASSAY_MODELS_PROGRAM_ROPE_H
#define ASSAY_MODELS_PROGRAM_ROPE_H

#include "models/program/tape.h"

typedef enum RopeKind {
    ROPE_DEFAULT,
    ROPE_LINEAR,
    ROPE_DYNAMIC,
    ROPE_LLAMA3,
    ROPE_YARN,
    ROPE_LONGROPE,
    ROPE_PROPORTIONAL,
    ROPE_KIND_COUNT
} RopeKind;

// A field is read by the kinds named beside it; the others leave it 0.
typedef struct RopeConfig {
    RopeKind kind;
    double theta; // all
    double
        factor; // linear, dynamic, llama3, yarn, proportional; longrope: 0 = what max_positions implies
    double part;                              // proportional: of the pairs that turn
    double low_freq_factor, high_freq_factor; // llama3
    double beta_fast, beta_slow;              // yarn
    double mscale, mscale_all_dim;            // yarn; 0 = not given
    bool keeps_fractions;                     // yarn: the ramp's ends are not rounded
    double attention_factor;   // yarn, longrope: of cosines and sines; 0 = what the kind implies
    size_t original_positions; // llama3, yarn, longrope, dynamic: the context trained on first
    const float *short_factors, *long_factors; // longrope: [n_dims / 2]
    double
        growth; // queries grow with their position p: times 1 + growth log(1 + floor(p / original_positions)); 0 = not
    double
        ntk; // linear: the factor that a file calls "ntk" (GTE), of which theta and factor are made; 0 = none
    bool is_backward; // by the negative angles (nanochat); not for dynamic
    bool rereads;     // longrope: TapeRope.rereads, as Phi-3 has it in Transformers
} RopeConfig;

const char *rope_kind_name(RopeKind kind); // "default", "linear", ...

// Frequencies of n_dims / 2 pairs into out; those for contexts beyond original_positions where is_long (longrope).
void rope_frequencies(const RopeConfig *config, size_t n_dims, bool is_long, float *out);
// Those of dynamic for sequences of n_positions: more than original_positions of them. n_dims is more than 2.
void rope_stretched_frequencies(double theta, double factor, size_t original_positions,
                                size_t n_positions, size_t n_dims, float *out);
// What cosines and sines are multiplied by.
float rope_scale(const RopeConfig *config, size_t max_positions);
// The same on a tape.
RopeId rope_record(Tape *tape, const RopeConfig *config, size_t n_dims, size_t max_positions);

// The partial_rotary_factor of which head_dim gives n_columns again when the product is rounded down, as it is on reading:
// 26 / 46 * 46 is less than 26.
double rope_part_of(size_t n_columns, size_t head_dim);

#endif
