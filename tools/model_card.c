#include "tools/model_card.h"

#include <stddef.h>

#include "base/file.h"

enum { MAX_CARD_BYTES = 16 << 20 };

static const struct {
    const char *key;
    size_t offset;
} fields[] = {
    {"license", offsetof(ModelCard, license)},
    {"base_model", offsetof(ModelCard, base_model)},
    {"language", offsetof(ModelCard, language)},
    {"datasets", offsetof(ModelCard, datasets)},
    {"tags", offsetof(ModelCard, tags)},
    {"pipeline_tag", offsetof(ModelCard, pipeline_tag)},
};

static ModelCardField *find_field(ModelCard *card, Slice key)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (slice_eq_cstr(key, fields[i].key)) {
            return (ModelCardField *)((char *)card + fields[i].offset);
        }
    }
    return NULL;
}

static Slice without_quotes(Slice text)
{
    const bool is_quoted = text.len >= 2 && (text.ptr[0] == '"' || text.ptr[0] == '\'') &&
                           text.ptr[text.len - 1] == text.ptr[0];
    return is_quoted ? slice_sub(text, 1, text.len - 1) : text;
}

static void add_value(ModelCardField *field, Slice value)
{
    value = without_quotes(slice_trim(value));
    if (!field || value.len == 0 || field->n == MODEL_CARD_MAX_VALUES) return;
    field->values[field->n++] = value;
}

// "[a, b]" on the line of the key.
static void add_inline(ModelCardField *field, Slice value)
{
    value = slice_trim(value);
    const bool is_list = value.len >= 2 && value.ptr[0] == '[' && value.ptr[value.len - 1] == ']';
    if (!is_list) {
        add_value(field, value);
        return;
    }
    Slice rest = slice_sub(value, 1, value.len - 1), item;
    while (slice_split(&rest, ',', &item)) add_value(field, item);
}

// Nested maps (indented keys) belong to no field that is asked for and end the list before them.
static void read_front_matter(Slice text, ModelCard *card)
{
    Slice line;
    ModelCardField *field = NULL;
    if (!slice_split(&text, '\n', &line) || !slice_eq_cstr(slice_trim(line), "---")) return;
    while (slice_split(&text, '\n', &line)) {
        const Slice trimmed = slice_trim(line);
        if (slice_eq_cstr(trimmed, "---")) return;
        if (trimmed.len == 0 || trimmed.ptr[0] == '#') continue;
        if (slice_starts_with(trimmed, SLICE("- "))) {
            add_value(field, slice_sub(trimmed, 2, trimmed.len));
            continue;
        }
        const size_t colon = slice_find_byte(line, ':');
        field = NULL;
        if (colon == SIZE_MAX || line.ptr[0] == ' ') continue;
        field = find_field(card, slice_sub(line, 0, colon));
        if (field) add_inline(field, slice_sub(line, colon + 1, line.len));
    }
}

Status model_card_read(const char *directory, Arena *arena, ModelCard *out, Error *err)
{
    static const char *const licenses[] = {"LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE"};
    const Slice folder = slice_from_cstr(directory);
    Slice text = {0};
    *out = (ModelCard){0};
    const char *readme = file_join(arena, folder, SLICE("README.md"));
    if (!readme) return error_set_memory(err, 1, folder.len, "a path");
    if (file_exists(readme)) {
        TRY(file_read(arena, readme, MAX_CARD_BYTES, &text, err));
        read_front_matter(text, out);
    }
    for (size_t i = 0; i < sizeof licenses / sizeof *licenses && out->license_file.len == 0; i++) {
        const char *path = file_join(arena, folder, slice_from_cstr(licenses[i]));
        if (!path) return error_set_memory(err, 1, folder.len, "a path");
        if (file_exists(path)) out->license_file = slice_from_cstr(licenses[i]);
    }
    return STATUS_OK;
}

static Status add_copy(ModelCardField *field, Slice value, Arena *arena, Error *err)
{
    const Slice copy = arena_copy(arena, value);
    if (!copy.ptr) return error_set_memory(err, value.len, 1, "a model card");
    add_value(field, copy);
    return STATUS_OK;
}

Status model_card_read_gguf(const Gguf *file, Arena *arena, ModelCard *out, Error *err)
{
    static const struct {
        const char *key;
        size_t offset;
    } keys[] = {
        {"general.license", offsetof(ModelCard, license)},
        {"general.base_model.0.name", offsetof(ModelCard, base_model)},
        {"general.languages", offsetof(ModelCard, language)},
        {"general.datasets", offsetof(ModelCard, datasets)},
        {"general.tags", offsetof(ModelCard, tags)},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        ModelCardField *field = (ModelCardField *)((char *)out + keys[i].offset);
        const GgufValue *value = gguf_find(file, keys[i].key);
        Slice text = {0};
        if (!value || value->type != GGUF_STRING || field->n > 0) continue;
        if (!value->is_array) {
            TRY(gguf_get_string(file, keys[i].key, &text, NULL, err));
            TRY(add_copy(field, text, arena, err));
            continue;
        }
        GgufItems items = gguf_items(value);
        while (gguf_next_string(&items, &text)) TRY(add_copy(field, text, arena, err));
    }
    return STATUS_OK;
}
