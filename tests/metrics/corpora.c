#include "tests/metrics/corpora.h"

#include <criterion/criterion.h>

#include "base/json_writer.h"

static Slice copy_text(Arena *arena, const Json *value)
{
    if (value == NULL || json_kind(value) != JSON_STRING) return (Slice){0};
    const Slice text = json_string(value);
    return text.len > 0 ? arena_copy(arena, text) : SLICE("");
}

void read_corpora(Corpora *out)
{
    *out = (Corpora){0};
    Golden golden = golden_open("sacrebleu/mt_corpora.jsonl");
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        cr_assert_lt(out->n, (size_t)MAX_CORPORA);
        const Json *hyps = json_get(r, "hyps"), *refs = json_get(r, "refs");
        Corpus *c = &out->all[out->n++];
        c->name = copy_text(&out->arena, json_get(r, "corpus"));
        c->n = json_len(hyps);
        c->items = ARENA_NEW(&out->arena, Item, c->n + 1);
        for (size_t i = 0; i < c->n; i++) {
            Slice *texts = ARENA_NEW(&out->arena, Slice, json_len(refs));
            for (size_t s = 0; s < json_len(refs); s++) {
                texts[s] = copy_text(&out->arena, json_at(json_at(refs, s), i));
            }
            c->items[i] = item_empty();
            c->items[i].hypothesis = copy_text(&out->arena, json_at(hyps, i));
            c->items[i].references = texts;
            c->items[i].n_references = json_len(refs);
        }
    }
    golden_close(&golden);
}

const Corpus *find_corpus(const Corpora *corpora, Slice name)
{
    for (size_t i = 0; i < corpora->n; i++) {
        if (slice_eq(corpora->all[i].name, name)) return &corpora->all[i];
    }
    cr_assert_fail("no corpus " SLICE_FMT, SLICE_ARG(name));
    return NULL;
}

void params_text(const Json *params, Buffer *out)
{
    JsonWriter w = json_writer(out, 0);
    json_begin_object(&w);
    for (const Json *p = json_first(params); p != NULL; p = json_next(p)) {
        json_put_key_slice(&w, json_key(p));
        switch (json_kind(p)) {
        case JSON_BOOL:
            json_put_bool(&w, json_bool(p));
            break;
        case JSON_STRING:
            json_put_string(&w, json_string(p));
            break;
        case JSON_NUMBER:
            json_put_raw(&w, json_number_text(p));
            break;
        default:
            json_put_null(&w);
            break;
        }
    }
    json_end_object(&w);
}

void check_corpora(const char *file, const char *metric, bool is_sentence, size_t least,
                   void (*check)(const CorpusCase *c))
{
    enum { MAX_WIDTH = 96 };
    Corpora corpora;
    read_corpora(&corpora);
    Golden golden = golden_open(file);
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Json *expected = json_get(r, "expected");
        if (expected == NULL || json_kind(expected) != JSON_OBJECT) continue;
        const Corpus *corpus = find_corpus(&corpora, json_string(json_get(r, "corpus")));
        const size_t first = is_sentence ? (size_t)golden_get(r, "i") : 0;
        const size_t n = is_sentence ? 1 : corpus->n;
        Buffer text = {0};
        TestPlan plan;
        RowSet rows;
        Error err = {0};
        double sums[MAX_WIDTH];
        params_text(json_get(r, "params"), &text);
        plan_open(&plan, metric, text.ptr, 0);
        cr_assert_leq(plan.plan.width, MAX_WIDTH);
        cr_assert_eq(
            rows_of_items(&plan.plan, corpus->items + first, n, NULL, &plan.arena, &rows, &err),
            STATUS_OK, "line %zu: %s", golden.line, err.text);
        row_sums(&rows, plan.plan.width, sums);
        check(&(CorpusCase){r, expected, &plan.plan, sums, golden.line});
        plan_release(&plan);
        buffer_release(&text);
        n_cases++;
    }
    golden_close(&golden);
    arena_release(&corpora.arena);
    cr_expect_gt(n_cases, least);
}
