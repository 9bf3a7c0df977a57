#include "datasets/bias_samples.h"

#include <math.h>

#include "base/file.h"
#include "base/json_source.h"
#include "base/sha256.h"
#include "datasets/encoding.h"

enum { MAX_BESIDE_BYTES = 1 << 28 };

BiasSample bias_sample(size_t line)
{
    return (BiasSample){.line = line,
                        .gold = SAMPLE_NO_LABEL,
                        .bias = {.stereotyped = SAMPLE_NO_LABEL,
                                 .unknown = SAMPLE_NO_LABEL,
                                 .direction = SAMPLE_NO_LABEL,
                                 .set = SAMPLE_NO_LABEL,
                                 .term = SAMPLE_NO_LABEL,
                                 .women = {NAN, NAN},
                                 .gender = SAMPLE_NO_LABEL}};
}

void bias_sample_attribute(BiasSample *sample, const char *name, Slice value)
{
    sample->attributes[sample->n_attributes++] =
        (SampleAttribute){.name = slice_from_cstr(name), .value = value};
}

static Status copy(Arena *arena, Slice text, Slice *out, Error *err)
{
    *out = (Slice){0};
    if (text.ptr == NULL) return STATUS_OK;
    *out = arena_copy(arena, text);
    return out->ptr ? STATUS_OK : error_set_memory(err, text.len, 1, "a text");
}

static Status copy_texts(Arena *arena, const BiasSample *sample, Sample *out, Error *err)
{
    TRY(copy(arena, sample->id, &out->id, err));
    TRY(copy(arena, sample->text, &out->text, err));
    TRY(copy(arena, sample->pair, &out->pair, err));
    TRY(copy(arena, sample->context, &out->context, err));
    return copy(arena, sample->group, &out->group, err);
}

Status bias_sample_add(const ReadInput *input, const BiasSample *sample, Error *err)
{
    Arena *arena = input->arena;
    SampleBias *bias = NULL;
    Slice *choices = NULL;
    SampleAttribute *attributes = NULL;
    Sample out = {.line = sample->line, .gold = sample->gold, .n_choices = sample->n_choices};
    TRY(copy_texts(arena, sample, &out, err));
    TRY(arena_take(arena, 1, sizeof *bias, "a sample", &bias, err));
    *bias = sample->bias;
    TRY(copy(arena, sample->bias.target, &bias->target, err));
    TRY(copy(arena, sample->bias.pronoun, &bias->pronoun, err));
    TRY(arena_take(arena, sample->n_choices, sizeof *choices, "choices", &choices, err));
    for (size_t i = 0; i < sample->n_choices; i++)
        TRY(copy(arena, sample->choices[i], &choices[i], err));
    TRY(arena_take(arena, sample->n_attributes, sizeof *attributes, "attributes", &attributes,
                   err));
    for (size_t i = 0; i < sample->n_attributes; i++) {
        attributes[i].name = sample->attributes[i].name;
        TRY(copy(arena, sample->attributes[i].value, &attributes[i].value, err));
    }
    out.bias = bias;
    out.choices = choices;
    out.attributes = attributes;
    out.n_attributes = sample->n_attributes;
    return dataset_builder_add(input->builder, &out, NULL, err);
}

Status bias_open_json(const ReadInput *input, JsonDocument **out, Error *err)
{
    return json_parse(input->path, input->text, JSON_STRICT, out, err);
}

size_t bias_line_of(const Json *value, LineCount *count)
{
    const Slice text = json_document_text(value), own = json_source(value);
    const size_t at = (size_t)(own.ptr - text.ptr);
    for (; count->at < at; count->at++) count->n_breaks += text.ptr[count->at] == '\n';
    return count->n_breaks + 1;
}

char *winobias_twin(Arena *arena, Slice path, bool *is_pro)
{
    const Slice name = file_name_of(path);
    const size_t pro = slice_find(name, SLICE("pro_")), anti = slice_find(name, SLICE("anti_"));
    *is_pro = pro != SIZE_MAX;
    if (pro == SIZE_MAX && anti == SIZE_MAX) return NULL;
    const size_t at = *is_pro ? pro : anti, len = *is_pro ? 4 : 5;
    const Slice before = slice_sub(name, 0, at), after = slice_sub(name, at + len, name.len);
    const char *twin = arena_printf(arena, SLICE_FMT "%s" SLICE_FMT, SLICE_ARG(before),
                                    *is_pro ? "anti_" : "pro_", SLICE_ARG(after));
    return twin ? file_join(arena, file_directory_of(path), slice_from_cstr(twin)) : NULL;
}

const char *dataset_companion(Arena *arena, const char *path, Slice format)
{
    const Slice whole = slice_from_cstr(path);
    const char *beside = NULL;
    bool is_pro;
    if (slice_starts_with(format, SLICE("winobias"))) beside = winobias_twin(arena, whole, &is_pro);
    if (slice_starts_with(format, SLICE("winogender")))
        beside = file_join(arena, file_directory_of(whole), SLICE(WINOGENDER_STATISTICS));
    return beside && file_exists(beside) ? beside : NULL;
}

Status bias_read_beside(const ReadInput *input, const char *path, Slice *out, Error *err)
{
    Slice bytes = {0};
    Sha256 hash;
    unsigned char digest[32];
    TRY(file_read_data(input->arena, path, MAX_BESIDE_BYTES, &bytes, NULL, err));
    TRY(encoding_decode(input->arena, slice_from_cstr(path), bytes, input->options->encoding,
                        input->options->speech, out, err));
    sha256_init(&hash);
    sha256_update_field(&hash, slice_from_cstr(input->sha256));
    sha256_update_field(&hash, bytes);
    sha256_finish(&hash, digest);
    sha256_hex(digest, input->sha256);
    return STATUS_OK;
}
