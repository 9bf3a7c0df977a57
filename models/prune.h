// models/prune.h: magnitude pruning: the weights nearest to 0 become 0 (Han et al. 2015, arXiv:1506.02626).
//
// Pruned are the matrices of the blocks: not embeddings, vectors or the head, where a weight stands for a token, a unit or
// a class. Of equal magnitudes the earlier one goes, so that exactly the share asked for is 0.
#ifndef ASSAY_MODELS_PRUNE_H
#define ASSAY_MODELS_PRUNE_H

#include "models/model.h"

typedef enum PruneScope {
    PRUNE_MATRIX, // the same share of every matrix
    PRUNE_GLOBAL, // the share of all together: matrices of small weights lose more
    PRUNE_SCOPE_COUNT
} PruneScope;

const char *prune_scope_name(PruneScope scope); // "matrix", "global"

typedef struct PruneReport {
    size_t n_matrices, n_weights; // that were looked at
    size_t n_zero;                // of them, now
} PruneReport;

// share in [0, 1): rounded down to whole weights. report may be NULL. A model without blocks of its own weights (kept as
// its file stores them) is refused.
Status model_prune(Model *model, double share, PruneScope scope, PruneReport *report,
                   Error *err) MUST_CHECK;

#endif
