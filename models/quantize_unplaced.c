// Whether llama.cpp opens a quantised file: it takes the tensors that it expects of an architecture, all of them and no other.
// The table is what llama-cpp-python 0.3.36 did with files that had each of them more or less.
#include <string.h>

#include "models/quantize_internal.h"

typedef enum Wish { EITHER, WANTED, REFUSED } Wish;

typedef struct Places {
    const char *architecture;
    Wish output;           // a layer of its own beside the table of tokens
    Wish attention_output; // biases of attention's last layer,
    Wish feed_forward;     // of feed-forward layers,
    Wish qkv;              // and of queries, keys and values
    bool refuses_norm_bias;
    bool takes_factors; // of a rotation's frequencies
    bool is_square;     // heads have to fill hidden_size
} Places;

static const Places usual = {"", EITHER, REFUSED, REFUSED, EITHER, false, false, false};
static const Places all_places[] = {
    {"arcee", EITHER, REFUSED, REFUSED, EITHER, false, true, false},
    {"bert", EITHER, EITHER, EITHER, EITHER, false, false, false},
    {"bloom", EITHER, WANTED, WANTED, WANTED, false, false, false},
    {"chatglm", EITHER, REFUSED, REFUSED, EITHER, false, false, true},
    {"cohere2", REFUSED, REFUSED, REFUSED, EITHER, false, false, true},
    {"command-r", REFUSED, REFUSED, REFUSED, EITHER, false, false, true},
    {"deepseek2", EITHER, REFUSED, REFUSED, REFUSED, false, false, false},
    {"dots1", WANTED, REFUSED, REFUSED, EITHER, false, false, false},
    {"ernie4_5", EITHER, EITHER, REFUSED, EITHER, false, false, false},
    {"eurobert", REFUSED, REFUSED, REFUSED, EITHER, false, false, false},
    {"exaone", EITHER, REFUSED, REFUSED, EITHER, false, true, false},
    {"exaone4", EITHER, REFUSED, REFUSED, EITHER, false, true, true},
    {"falcon", EITHER, REFUSED, REFUSED, REFUSED, false, false, false},
    {"gemma", REFUSED, REFUSED, REFUSED, EITHER, false, false, false},
    {"gemma2", REFUSED, REFUSED, REFUSED, EITHER, false, false, false},
    {"gpt-oss", WANTED, WANTED, EITHER, EITHER, false, false, false},
    {"gpt2", EITHER, WANTED, WANTED, WANTED, false, false, false},
    {"gptneox", WANTED, WANTED, WANTED, WANTED, false, false, false},
    {"granite", EITHER, EITHER, EITHER, EITHER, false, true, false},
    {"granitemoe", EITHER, EITHER, EITHER, EITHER, false, true, false},
    {"jais2", EITHER, WANTED, WANTED, EITHER, false, false, false},
    {"llama", EITHER, EITHER, EITHER, EITHER, false, true, false},
    {"minimax-m2", WANTED, REFUSED, REFUSED, REFUSED, false, false, false},
    {"mistral3", EITHER, EITHER, EITHER, EITHER, false, true, false},
    {"modern-bert", EITHER, REFUSED, REFUSED, REFUSED, true, false, false},
    {"nemotron", WANTED, EITHER, EITHER, EITHER, false, false, true},
    {"nomic-bert", EITHER, EITHER, EITHER, EITHER, false, false, false},
    {"olmo", EITHER, REFUSED, REFUSED, EITHER, false, false, true},
    {"olmo2", WANTED, REFUSED, REFUSED, EITHER, false, false, true},
    {"olmoe", WANTED, REFUSED, REFUSED, EITHER, false, false, true},
    {"phi2", WANTED, WANTED, WANTED, EITHER, false, false, true},
    {"phi3", EITHER, REFUSED, REFUSED, EITHER, false, false, true},
    {"qwen2", EITHER, REFUSED, REFUSED, EITHER, false, false, true},
    {"qwen2moe", WANTED, REFUSED, REFUSED, EITHER, false, false, true},
    {"stablelm", WANTED, REFUSED, REFUSED, EITHER, false, false, true},
    {"starcoder", EITHER, WANTED, WANTED, WANTED, false, false, false},
    {"starcoder2", EITHER, WANTED, WANTED, EITHER, false, false, true},
};

static const Places *places_of(const char *architecture)
{
    for (size_t i = 0; i < sizeof all_places / sizeof *all_places; i++) {
        if (strcmp(architecture, all_places[i].architecture) == 0) return &all_places[i];
    }
    return &usual;
}

static bool ends_with_any(Slice name, const char *const *endings, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (slice_ends_with(name, slice_from_cstr(endings[i]))) return true;
    }
    return false;
}

static bool is_refused(const QuantizeWork *work, const Places *places, Slice name)
{
    static const char *const qkv[] = {".attn_q.bias", ".attn_k.bias", ".attn_v.bias",
                                      ".attn_qkv.bias"},
                             *const latent[] = {".attn_q_a.bias", ".attn_kv_a_mqa.bias"},
                             *const feed_forward[] = {".ffn_up.bias", ".ffn_gate.bias",
                                                      ".ffn_down.bias", "_shexp.bias"},
                             *const convs[] = {".shortconv.conv.bias", ".shortconv.in_proj.bias",
                                               ".shortconv.out_proj.bias"},
                             *const norms[] = {"norm.bias"},
                             *const heads[] = {".attn_q_norm.weight", ".attn_k_norm.weight"};
    if (slice_eq_cstr(name, "output.weight")) return places->output == REFUSED;
    if (slice_eq_cstr(name, "rope_freqs.weight")) return !places->takes_factors;
    if (slice_starts_with(name, SLICE("rope_factors_")))
        return strcmp(work->family->architecture, "phi3") != 0;
    if (slice_ends_with(name, SLICE(".attn_output.bias")))
        return places->attention_output == REFUSED;
    if (ends_with_any(name, feed_forward, 4)) return places->feed_forward == REFUSED;
    if (ends_with_any(name, qkv, 4)) return places->qkv == REFUSED;
    if (ends_with_any(name, latent, 2) || ends_with_any(name, convs, 3)) return true;
    // Command R+ alone has norms of heads, which llama.cpp knows by its number of layers.
    if (strcmp(work->family->architecture, "command-r") == 0 && work->config.n_layers < 64 &&
        ends_with_any(name, heads, 2))
        return true;
    return places->refuses_norm_bias && ends_with_any(name, norms, 1);
}

static bool is_written(const QuantizeWork *work, const char *name)
{
    for (size_t i = 0; i < work->n; i++) {
        if (slice_eq_cstr(work->items[i].name, name)) return true;
    }
    return false;
}

static const char *find_missing(const QuantizeWork *work, const Places *places)
{
    const struct {
        Wish wish;
        const char *name;
    } wanted[] = {{places->output, "output.weight"},
                  {places->attention_output, "blk.0.attn_output.bias"},
                  {places->feed_forward, "blk.0.ffn_up.bias"},
                  {places->qkv, "blk.0.attn_qkv.bias"}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (wanted[i].wish == WANTED && !is_written(work, wanted[i].name)) return wanted[i].name;
    }
    return NULL;
}

// Layers without experts, which some architectures have in front of the others.
static const char *find_dense(const ModelConfig *c)
{
    const ExpertsConfig *e = &c->experts;
    const bool may_lead = c->latent.kv_rank > 0 || e->route == ROUTE_SIGMOID;
    for (size_t i = 0; e->is_dense && i < c->n_layers; i++) {
        if (e->is_dense[i] && !may_lead) return "wants experts in every layer";
        if (e->is_dense[i] && i > 0 && !e->is_dense[i - 1])
            return "wants layers without experts before all others";
    }
    return NULL;
}

// What the shapes of tensors must be beside what config.json says.
static const char *find_misfit(const QuantizeWork *work, const Places *places)
{
    const ModelConfig *c = &work->config;
    const char *architecture = work->family->architecture;
    if (c->head == HEAD_TOKEN && is_written(work, "cls.output.weight"))
        return "wants classes of whole texts";
    if ((strcmp(architecture, "olmoe") == 0 || strcmp(architecture, "dots1") == 0) &&
        c->n_kv_heads != c->n_heads)
        return "wants keys of every head";
    if (places->is_square && c->head_dim > 0 && c->head_dim * c->n_heads != c->hidden_size)
        return "wants heads that fill hidden_size";
    return find_dense(c);
}

static void describe(const QuantizeWork *work, Buffer *out)
{
    const Places *places = places_of(work->family->architecture);
    size_t n_refused = 0;
    for (size_t i = 0; i < work->n; i++) {
        char known[256];
        const Slice name = work->items[i].name;
        const bool is_known = work->sources[i].factors ||
                              work->sources[i].change == SAFE_KEYS_VALUES ||
                              gguf_name_to_model(work->family, name, known, sizeof known);
        if (is_known && !is_refused(work, places, name)) continue;
        if (n_refused++ == 0)
            buffer_printf(out, "has no place for tensor \"" SLICE_FMT "\"", SLICE_ARG(name));
    }
    if (n_refused > 1) buffer_printf(out, " and %zu more", n_refused - 1);
    if (n_refused > 0) {
        buffer_printf(out, " in architecture %s", work->family->architecture);
        return;
    }
    const char *missing = find_missing(work, places), *misfit = find_misfit(work, places);
    if (missing)
        buffer_printf(out, "wants a tensor \"%s\" in architecture %s", missing,
                      work->family->architecture);
    else if (misfit)
        buffer_printf(out, "%s in architecture %s", misfit, work->family->architecture);
}

Status quantize_find_unplaced(QuantizeWork *work, Error *err)
{
    Buffer text = {0};
    if (!work->family || work->files.gguf.n_pairs > 0) return STATUS_OK;
    describe(work, &text);
    Status s = buffer_status(&text, err);
    if (s == STATUS_OK && text.len > 0) {
        work->report->unplaced = arena_copy(work->arena, buffer_slice(&text));
        if (!work->report->unplaced.ptr) s = error_set_memory(err, text.len, 1, "a warning");
    }
    buffer_release(&text);
    return s;
}
