// The SentencePiece models of suites' metrics.
#include "harness/pieces.h"

#include "harness/suite/suite_internal.h"
#include "metrics/classes.h"

// The last one opened first.
struct SuitePieces {
    Pieces pieces;
    struct SuitePieces *next;
};

Status suite_read_pieces(const SuiteReading *reading, Slice file, SuiteMetric *metric, Error *err)
{
    Suite *suite = reading->suite;
    struct SuitePieces *kept;
    const Json *params = metric->params, *model = json_get(params, "spm_model");
    const char *path = NULL;
    size_t kind = TOKENIZER_13A;
    TRY(params_choice(params, "tokenize", tokenizer_names, N_TOKENIZERS, &kind, err));
    if (model == NULL && needs_splitter((TokenizerKind)kind)) {
        return json_error(json_get(params, "tokenize"), err,
                          "%s works with a SentencePiece model: \"spm_model\": FILE beside it",
                          tokenizer_names[kind]);
    }
    if (model == NULL || reading->without_files) return STATUS_OK;
    TRY(suite_resolve_path(reading, model, file, &path, err));
    TRY(arena_take(&suite->arena, 1, sizeof *kept, "a tokenizer", &kept, err));
    kept->next = suite->pieces;
    suite->pieces = kept; // from here on closed with the suite
    TRY(pieces_open(params, path, &suite->arena, &kept->pieces, err));
    metric->splitter = pieces_splitter(&kept->pieces);
    metric->splitter_sha256 = slice_from_cstr(kept->pieces.sha256);
    return STATUS_OK;
}

void suite_close_pieces(Suite *suite)
{
    for (struct SuitePieces *p = suite->pieces; p != NULL; p = p->next) pieces_close(&p->pieces);
}
