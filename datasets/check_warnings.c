// What the check of the data has to say, as sentences.
#include "datasets/check_internal.h"
#include "datasets/near.h"

#include "base/buffer.h"

#include <math.h>

typedef struct Context {
    const CheckPart *parts;
    double imbalance_warned;
    bool has_folds, keeps_near;
    const DataCheck *check;
} Context;

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

// The file's own name and a line of it: where it stands the manifest says, and a suite's files have long paths.
static void put_place(Buffer *out, const Context *c, size_t part, size_t line)
{
    const Slice path = c->parts[part].data->path;
    size_t begin = path.len;
    while (begin > 0 && path.ptr[begin - 1] != '/') begin--;
    buffer_printf(out, SLICE_FMT ":%zu", SLICE_ARG(slice_sub(path, begin, path.len)), line);
}

static void put_label(Buffer *out, const Context *c, size_t part, size_t label)
{
    buffer_printf(out, "\"" SLICE_FMT "\"",
                  SLICE_ARG(slice_sub(c->parts[part].data->labels[label], 0, 60)));
}

static void warn_one_class(const Context *c, size_t p, Buffer *out)
{
    const PartCheck *part = &c->check->parts[p];
    if (part->n_classes_present != 1 || isnan(part->imbalance)) return;
    size_t label = 0;
    while (part->class_counts[label] == 0) label++;
    buffer_printf(out, "%s: every labelled sample is of class ", part->name);
    put_label(out, c, p, label);
    buffer_append_cstr(out, p == 0 ? ": there is nothing to learn" : ": scores will say little");
}

static void warn_absent_classes(const Context *c, size_t p, Buffer *out)
{
    const PartCheck *part = &c->check->parts[p];
    const size_t n_absent = part->n_labels - part->n_classes_present;
    if (n_absent == 0 || part->n_classes_present < 2) return;
    size_t shown = 0;
    buffer_printf(out, "%s: no sample of class%s ", part->name, n_absent == 1 ? "" : "es");
    for (size_t label = 0; label < part->n_labels && shown < 5; label++) {
        if (part->class_counts[label]) continue;
        buffer_append_cstr(out, shown++ ? ", " : "");
        put_label(out, c, p, label);
    }
    if (n_absent > shown) buffer_printf(out, " and %zu more", n_absent - shown);
}

static void warn_conflicts(const Context *c, size_t p, Buffer *out)
{
    const PartCheck *part = &c->check->parts[p];
    if (part->n_conflicts == 0) return;
    buffer_printf(out, "%s: %zu input%s with more than one label (", part->name, part->n_conflicts,
                  plural(part->n_conflicts));
    put_place(out, c, p, part->first_conflict_line);
    buffer_append_cstr(out, part->n_conflicts > 1 ? " is the first)" : ")");
}

static void warn_empty(const Context *c, size_t p, Buffer *out)
{
    const PartCheck *part = &c->check->parts[p];
    if (part->n_empty == 0) return;
    buffer_printf(out, "%s: %zu sample%s without any text", part->name, part->n_empty,
                  plural(part->n_empty));
}

static void warn_unlabelled(const Context *c, size_t p, Buffer *out)
{
    const PartCheck *part = &c->check->parts[p];
    if (part->n_unlabelled == 0) return;
    buffer_printf(out, "%s: %zu of %zu samples have no label", part->name, part->n_unlabelled,
                  part->n_samples);
}

static void warn_imbalance(const Context *c, size_t p, Buffer *out)
{
    const PartCheck *part = &c->check->parts[p];
    if (!(part->imbalance >= c->imbalance_warned)) return;
    size_t largest = 0, smallest = SIZE_MAX;
    for (size_t label = 0; label < part->n_labels; label++) {
        const size_t count = part->class_counts[label];
        if (count > part->class_counts[largest]) largest = label;
        if (count && (smallest == SIZE_MAX || count < part->class_counts[smallest]))
            smallest = label;
    }
    buffer_printf(out, "%s: class ", part->name);
    put_label(out, c, p, largest);
    buffer_printf(out, " has %.1f times as many samples as class ", part->imbalance);
    put_label(out, c, p, smallest);
    buffer_printf(out, " (%zu and %zu): look at macro F1 or MCC beside accuracy",
                  part->class_counts[largest], part->class_counts[smallest]);
}

static void warn_duplicates(const Context *c, size_t p, Buffer *out)
{
    const PartCheck *part = &c->check->parts[p];
    if (part->n_duplicates == 0) return;
    buffer_printf(out, "%s: %zu of %zu samples repeat an earlier input", part->name,
                  part->n_duplicates, part->n_samples);
}

static void warn_truncated(const Context *c, size_t p, Buffer *out)
{
    const PartCheck *part = &c->check->parts[p];
    if (part->n_truncated == 0) return;
    buffer_printf(out, "%s: %zu of %zu samples (%.1f%%) are longer than %zu %s and will be cut",
                  part->name, part->n_truncated, part->n_samples,
                  100.0 * (double)part->n_truncated / (double)part->n_samples, c->check->max_tokens,
                  c->check->counts_tokens ? "tokens" : "characters");
}

static void warn_overlap(const Context *c, size_t pair, Buffer *out)
{
    const PartOverlap *o = &c->check->overlaps[pair];
    if (o->n_shared == 0) return;
    const PartCheck *a = &c->check->parts[o->a], *b = &c->check->parts[o->b];
    buffer_printf(out, "%s and %s: %zu of the %zu samples of %s stand in %s too (", a->name,
                  b->name, o->n_shared, b->n_samples, b->name, a->name);
    put_place(out, c, o->b, o->first_line);
    buffer_append_cstr(out, o->n_shared > 1 ? " is the first)" : ")");
    if (o->n_conflicts) buffer_printf(out, ", %zu of them with another label", o->n_conflicts);
    buffer_printf(out, ": scores on %s will flatter", b->name);
}

// " (F.tsv:3 is 83% like F.tsv:9)": that share of their runs of three words.
static void put_near(const Context *c, size_t a, size_t b, Buffer *out)
{
    const NearFound *found = &c->check->near[a * c->check->n_parts + b];
    buffer_append_cstr(out, " (");
    put_place(out, c, b, c->parts[b].data->samples[found->sample].line);
    buffer_printf(out, " is %.0f%% like ", 100 * found->similarity);
    put_place(out, c, a, c->parts[a].data->samples[found->like].line);
    buffer_append_byte(out, ')');
}

static void warn_near_overlap(const Context *c, size_t pair, Buffer *out)
{
    const PartOverlap *o = &c->check->overlaps[pair];
    if (o->n_near == 0) return;
    const PartCheck *a = &c->check->parts[o->a], *b = &c->check->parts[o->b];
    buffer_printf(out, "%s and %s: %zu of the %zu samples of %s %s nearly equal to one of %s",
                  a->name, b->name, o->n_near, b->n_samples, b->name, o->n_near == 1 ? "is" : "are",
                  a->name);
    put_near(c, o->a, o->b, out);
    buffer_printf(out, ": scores on %s may flatter", b->name);
}

static void warn_near(const Context *c, size_t p, Buffer *out)
{
    const PartCheck *part = &c->check->parts[p];
    if (part->n_near == 0 || c->keeps_near) return;
    buffer_printf(out, "%s: %zu of %zu samples %s nearly equal to an earlier one", part->name,
                  part->n_near, part->n_samples, part->n_near == 1 ? "is" : "are");
    put_near(c, p, p, out);
    if (p == 0 && c->has_folds)
        buffer_append_cstr(out,
                           ": apart in folds they flatter; folds.keep_near keeps them together");
}

// The gravest first.
static const struct {
    void (*warn)(const Context *c, size_t which, Buffer *out);
    bool is_of_pairs;
} kinds[] = {
    {warn_overlap, true},         {warn_near_overlap, true}, {warn_one_class, false},
    {warn_absent_classes, false}, {warn_conflicts, false},   {warn_empty, false},
    {warn_unlabelled, false},     {warn_imbalance, false},   {warn_duplicates, false},
    {warn_near, false},           {warn_truncated, false},
};

static Status keep_warning(DataCheck *check, const Buffer *text, Error *err)
{
    TRY(buffer_status(text, err));
    if (text->len == 0) return STATUS_OK;
    const Slice copy = arena_copy(&check->arena, buffer_slice(text));
    if (!copy.ptr) return error_set_memory(err, text->len, 1, "a warning");
    check->warnings[check->n_warnings++] = copy;
    return STATUS_OK;
}

Status check_warn(const CheckPart *parts, const CheckOptions *options, DataCheck *check, Error *err)
{
    const double imbalance = options->imbalance_warned > 0 ? options->imbalance_warned : 10;
    const Context context = {parts, imbalance, options->has_folds, options->keeps_near, check};
    const size_t n_kinds = sizeof kinds / sizeof *kinds;
    TRY(arena_take(&check->arena, 2 * check->n_overlaps + check->n_parts * n_kinds,
                   sizeof *check->warnings, "warnings", &check->warnings, err));
    Buffer text = {0};
    Status s = STATUS_OK;
    for (size_t k = 0; k < n_kinds; k++) {
        const size_t n = kinds[k].is_of_pairs ? check->n_overlaps : check->n_parts;
        for (size_t i = 0; i < n && s == STATUS_OK; i++) {
            buffer_clear(&text);
            kinds[k].warn(&context, i, &text);
            s = keep_warning(check, &text, err);
        }
    }
    buffer_release(&text);
    return s;
}
