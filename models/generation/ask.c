#include "models/generation/ask.h"

#include <string.h>

#include "base/size.h"
#include "models/chat/chat.h"

static const char *const side_names[N_CUT_SIDES] = {"refuse", "left", "right"};

const char *cut_side_name(CutSide side)
{
    return side_names[side];
}

bool cut_side_parse(Slice name, CutSide *out)
{
    for (size_t i = 0; i < N_CUT_SIDES; i++) {
        if (!slice_eq_cstr(name, side_names[i])) continue;
        *out = (CutSide)i;
        return true;
    }
    return false;
}

// ---- texts to ids ----

static Status want_tokenizer(const Model *model, Error *err)
{
    return model_tokenizer(model)
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, "the model has no tokenizer, which texts need");
}

static bool is_added(const Encoding *encoding, size_t token)
{
    return encoding->special[token] &&
           encoding->offsets[token].begin == encoding->offsets[token].end;
}

// The tokens of a conversation: none is put before or behind it.
static Status encode_chat(const Tokenizer *tokenizer, Slice text, Arena *arena, AskIds *out,
                          Error *err)
{
    Encoding encoding = {0};
    TRY(chat_encode(tokenizer, text, arena, &encoding, err));
    *out = (AskIds){.ids = encoding.ids, .n = encoding.n_tokens};
    return STATUS_OK;
}

// Special tokens behind a text would end it. Of an empty text one stays: what stands for it.
static Status encode_open(const Tokenizer *tokenizer, Slice text, bool is_chat, Arena *arena,
                          AskIds *out, Error *err)
{
    Encoding encoding = {0};
    if (is_chat) return encode_chat(tokenizer, text, arena, out, err);
    *out = (AskIds){0};
    TRY(tokenizer_encode(tokenizer, text, NULL, NULL, arena, &encoding, err));
    size_t n = encoding.n_tokens;
    while (n > 0 && is_added(&encoding, n - 1) && (text.len > 0 || n > 1)) n--;
    while (out->n_fixed < n && is_added(&encoding, out->n_fixed)) out->n_fixed++;
    TRY(arena_take(arena, n, sizeof *out->ids, "ids", &out->ids, err));
    if (n > 0) memcpy(out->ids, encoding.ids, n * sizeof *out->ids);
    out->n = n;
    return STATUS_OK;
}

Status ask_encode_empty(const Model *model, Arena *arena, AskIds *out, Error *err)
{
    const ModelConfig *config = model_config(model);
    const int32_t first = config->bos_id >= 0 ? config->bos_id
                          : config->n_eos > 0 ? config->eos_ids[0]
                                              : -1;
    if (first < 0) {
        return error_set(err, STATUS_INVALID,
                         "the context has no token, and the model names none that begins texts");
    }
    TRY(arena_take(arena, 1, sizeof *out->ids, "ids", &out->ids, err));
    out->ids[0] = first;
    out->n = out->n_fixed = 1;
    return STATUS_OK;
}

static Status encode_prompt(const Model *model, Slice text, bool is_chat, Arena *arena, AskIds *out,
                            Error *err)
{
    TRY(want_tokenizer(model, err));
    TRY(encode_open(model_tokenizer(model), text, is_chat, arena, out, err));
    return out->n > 0 ? STATUS_OK : ask_encode_empty(model, arena, out, err);
}

Status ask_encode(const Model *model, Slice text, Arena *arena, AskIds *out, Error *err)
{
    return encode_prompt(model, text, false, arena, out, err);
}

static size_t common_tokens(const AskIds *a, const AskIds *b)
{
    size_t n = 0;
    while (n < a->n && n < b->n && a->ids[n] == b->ids[n]) n++;
    return n;
}

// The tokens of both texts as one; the first *n_context of them are the context's.
static Status encode_joined(const Tokenizer *tokenizer, Slice context, Slice continuation,
                            bool is_chat, Arena *arena, AskIds *whole, size_t *n_context,
                            Error *err)
{
    size_t kept = context.len;
    AskIds own;
    char *text = NULL;
    while (kept > 0 && slice_find_byte(SLICE(" \t\n\r"), context.ptr[kept - 1]) != SIZE_MAX) kept--;
    TRY(arena_take(arena, context.len + continuation.len + 1, 1, "a text", &text, err));
    if (context.len > 0) memcpy(text, context.ptr, context.len);
    if (continuation.len > 0) memcpy(text + context.len, continuation.ptr, continuation.len);
    TRY(encode_open(tokenizer, (Slice){text, context.len + continuation.len}, is_chat, arena, whole,
                    err));
    TRY(encode_open(tokenizer, slice_sub(context, 0, kept), is_chat, arena, &own, err));
    *n_context = own.n;
    // Where the border lies inside a token, what the two have in common comes before it.
    if (own.n >= whole->n) *n_context = common_tokens(&own, whole);
    whole->n_fixed = size_min(own.n_fixed, *n_context);
    if (continuation.len > 0 && *n_context < whole->n) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "the continuation adds no token to those of its context");
}

static Status encode_pair(const Model *model, const AskLoglik *request, Arena *arena,
                          AskIds *context_ids, AskIds *continuation_ids, Error *err)
{
    AskIds whole;
    size_t n = 0;
    TRY(want_tokenizer(model, err));
    TRY(encode_joined(model_tokenizer(model), request->context, request->continuation,
                      request->is_chat, arena, &whole, &n, err));
    *context_ids = (AskIds){whole.ids, n, whole.n_fixed};
    *continuation_ids = (AskIds){whole.ids + n, whole.n - n, 0};
    return n > 0 ? STATUS_OK : ask_encode_empty(model, arena, context_ids, err);
}

Status ask_encode_pair(const Model *model, Slice context, Slice continuation, Arena *arena,
                       AskIds *context_ids, AskIds *continuation_ids, Error *err)
{
    const AskLoglik request = {.context = context, .continuation = continuation};
    return encode_pair(model, &request, arena, context_ids, continuation_ids, err);
}

Status ask_encode_example(const Tokenizer *tokenizer, Slice prompt, Slice continuation,
                          Arena *arena, AskIds *out, size_t *n_prompt, Error *err)
{
    AskIds whole;
    const int32_t end = tokenizer_special(tokenizer, SPECIAL_EOS);
    TRY(encode_joined(tokenizer, prompt, continuation, false, arena, &whole, n_prompt, err));
    *out = whole;
    TRY(arena_take(arena, whole.n + 1, sizeof *out->ids, "ids", &out->ids, err));
    memcpy(out->ids, whole.ids, whole.n * sizeof *out->ids);
    if (end != TOKEN_NONE) out->ids[out->n++] = end;
    return STATUS_OK;
}

// ---- the window ----

Status ask_fit(CutSide side, const char *what, size_t room, AskIds *ids, size_t *n_cut, Error *err)
{
    *n_cut = 0;
    if (ids->n <= room) return STATUS_OK;
    if (side == CUT_REFUSE || room == 0) {
        return error_set(
            err, STATUS_INVALID,
            "%s of %zu tokens is longer than the %zu that the model's window has room for: "
            "shorten it, or have it cut (\"left\" or \"right\")",
            what, ids->n, room);
    }
    *n_cut = ids->n - room;
    const size_t fixed = size_min(ids->n_fixed, room - 1);
    if (side == CUT_LEFT)
        memmove(ids->ids + fixed, ids->ids + fixed + *n_cut, (room - fixed) * sizeof *ids->ids);
    ids->n = room;
    return STATUS_OK;
}

Status ask_fit_pair(const Model *model, CutSide side, AskIds *context, size_t n_continuation,
                    size_t *n_cut, Error *err)
{
    const size_t room = model_config(model)->max_positions + 1; // the last token is only scored
    *n_cut = 0;
    if (n_continuation + 1 > room) {
        return error_set(err, STATUS_INVALID,
                         "a continuation of %zu tokens is longer than the model's window of %zu",
                         n_continuation, room - 1);
    }
    return ask_fit(side, "a context", room - n_continuation, context, n_cut, err);
}

Status ask_fit_prompt(const Model *model, CutSide side, AskIds *prompt, size_t n_new, size_t *n_cut,
                      Error *err)
{
    const size_t window = model_config(model)->max_positions;
    *n_cut = 0;
    if (side == CUT_REFUSE || prompt->n > window)
        TRY(ask_fit(side, "a prompt", window, prompt, n_cut, err));
    if (side == CUT_REFUSE || prompt->n + n_new <= window) return STATUS_OK;
    if (n_new >= window) {
        return error_set(err, STATUS_INVALID,
                         "%zu new tokens leave no room for a prompt in the model's window of %zu",
                         n_new, window);
    }
    size_t more = 0;
    TRY(ask_fit(side, "a prompt", window - n_new, prompt, &more, err));
    *n_cut += more;
    return STATUS_OK;
}

// ---- whole calls ----

static Status read_loglik(const Model *model, const AskLoglik *request, CutSide side, Arena *arena,
                          LoglikRequest *out, size_t *n_cut, Error *err)
{
    AskIds context, continuation;
    TRY(encode_pair(model, request, arena, &context, &continuation, err));
    // Cutting moves ids, which would run into the continuation's: they lie in one array.
    int32_t *own = NULL;
    TRY(arena_take(arena, context.n, sizeof *own, "ids", &own, err));
    memcpy(own, context.ids, context.n * sizeof *own);
    context.ids = own;
    TRY(ask_fit_pair(model, side, &context, continuation.n, n_cut, err));
    *out = (LoglikRequest){context.ids, context.n, continuation.ids, continuation.n};
    return model_check_loglik(model, out, err);
}

Status model_ask_loglik(Model *model, Pool *pool, const AskLoglik *requests, size_t n, CutSide side,
                        const atomic_int *cancel, AskedLoglik *results, GenerateStats *stats,
                        Error *err)
{
    Arena scratch = {0};
    LoglikRequest *ids = NULL;
    LoglikResult *scored = NULL;
    Status s = arena_take(&scratch, n, sizeof *ids, "requests", &ids, err);
    if (s == STATUS_OK) s = arena_take(&scratch, n, sizeof *scored, "requests", &scored, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        s = read_loglik(model, &requests[i], side, &scratch, &ids[i], &results[i].n_cut, err);
        if (s != STATUS_OK) s = error_wrap(err, "request %zu", i);
    }
    if (s == STATUS_OK) s = model_loglik(model, pool, ids, n, cancel, &scratch, scored, stats, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        results[i].loglik = scored[i].loglik;
        results[i].n_tokens = ids[i].n_continuation;
        results[i].is_greedy = scored[i].is_greedy;
    }
    arena_release(&scratch);
    return s;
}

static Status read_text(const Model *model, const AskText *request, CutSide side, Arena *arena,
                        GenerateRequest *out, size_t *n_cut, Error *err)
{
    AskIds prompt;
    TRY(encode_prompt(model, request->prompt, request->is_chat, arena, &prompt, err));
    TRY(ask_fit_prompt(model, side, &prompt, request->max_new_tokens, n_cut, err));
    *out = (GenerateRequest){.prompt = prompt.ids,
                             .n_prompt = prompt.n,
                             .max_new_tokens = request->max_new_tokens,
                             .sample = request->sample,
                             .stops = request->stops,
                             .n_stops = request->n_stops};
    return model_check_generate(model, out, err);
}

static Status put_text(const Model *model, const GenerateResult *written, Arena *arena,
                       AskedText *out, Error *err)
{
    Buffer text = {0};
    Status s =
        tokenizer_decode(model_tokenizer(model), written->ids, written->n_ids, true, &text, err);
    if (s == STATUS_OK) s = buffer_status(&text, err);
    if (s == STATUS_OK) {
        Slice all = buffer_slice(&text);
        if (written->finish == FINISH_STOP) all = slice_sub(all, 0, written->text_bytes);
        out->text = arena_copy(arena, all);
        out->n_tokens = written->n_ids;
        out->finish = written->finish;
        if (!out->text.ptr) s = error_set_memory(err, all.len, 1, "a text");
    }
    buffer_release(&text);
    return s;
}

Status model_ask_text(Model *model, Pool *pool, const AskText *requests, size_t n, CutSide side,
                      const atomic_int *cancel, Arena *arena, AskedText *results,
                      GenerateStats *stats, Error *err)
{
    Arena scratch = {0};
    GenerateRequest *ids = NULL;
    GenerateResult *written = NULL;
    Status s = arena_take(&scratch, n, sizeof *ids, "requests", &ids, err);
    if (s == STATUS_OK) s = arena_take(&scratch, n, sizeof *written, "requests", &written, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        s = read_text(model, &requests[i], side, &scratch, &ids[i], &results[i].n_cut, err);
        if (s != STATUS_OK) s = error_wrap(err, "request %zu", i);
    }
    if (s == STATUS_OK)
        s = model_generate(model, pool, ids, n, cancel, &scratch, written, stats, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++)
        s = put_text(model, &written[i], arena, &results[i], err);
    arena_release(&scratch);
    return s;
}
