// What a GGUF file says, member by member.
#include "models/gguf/gguf_import_internal.h"

const char *import_key(const GgufImport *in, const char *rest, char out[IMPORT_KEY_SIZE])
{
    snprintf(out, IMPORT_KEY_SIZE, "%s.%s", in->architecture, rest);
    return out;
}

bool import_size(GgufImport *in, const char *rest, size_t *out)
{
    char key[IMPORT_KEY_SIZE];
    bool found = false;
    int64_t value = 0;
    if (in->status != STATUS_OK) return false;
    const GgufValue *raw = gguf_find(in->file, import_key(in, rest, key));
    if (raw && raw->is_array && raw->type != GGUF_ARRAY) {
        GgufItems items = gguf_items(raw);
        int64_t first = 0;
        bool equal = gguf_next_int(&items, &first) && first >= 1 && first <= IMPORT_MAX_SIZE;
        while (equal && gguf_next_int(&items, &value)) equal = value == first;
        if (equal) {
            *out = (size_t)first;
            return true;
        }
        in->status = error_set(in->err, STATUS_INVALID,
                               SLICE_FMT ": metadata \"%s\": blocks that differ are not supported",
                               SLICE_ARG(in->file->name), key);
        return false;
    }
    in->status = gguf_get_int(in->file, key, 0, IMPORT_MAX_SIZE, &value, &found, in->err);
    found = in->status == STATUS_OK && found && value > 0;
    if (found) *out = (size_t)value;
    return found;
}

void import_want_size(GgufImport *in, const char *rest, size_t *out)
{
    if (import_size(in, rest, out) || in->status != STATUS_OK) return;
    in->status =
        error_set(in->err, STATUS_INVALID, SLICE_FMT ": metadata \"%s.%s\" is missing or 0",
                  SLICE_ARG(in->file->name), in->architecture, rest);
}

bool import_real(GgufImport *in, const char *rest, double *out)
{
    char key[IMPORT_KEY_SIZE];
    bool found = false;
    if (in->status != STATUS_OK) return false;
    in->status = gguf_get_real(in->file, import_key(in, rest, key), out, &found, in->err);
    return found;
}

bool import_flag(GgufImport *in, const char *rest, bool missing)
{
    char key[IMPORT_KEY_SIZE];
    bool value = missing;
    if (in->status == STATUS_OK)
        in->status = gguf_get_bool(in->file, import_key(in, rest, key), &value, NULL, in->err);
    return value;
}

void import_put_size(GgufImport *in, const char *key, size_t value)
{
    json_member_u64(&in->w, key, value);
}

void import_put_real(GgufImport *in, const char *key, double value)
{
    json_member_float(&in->w, key, (float)value);
}

void import_put_text(GgufImport *in, const char *key, const char *value)
{
    json_member_cstr(&in->w, key, value);
}

void import_put_flag(GgufImport *in, const char *key, bool value)
{
    json_member_bool(&in->w, key, value);
}

void import_copy_size(GgufImport *in, const char *rest, const char *key)
{
    size_t value = 0;
    import_want_size(in, rest, &value);
    import_put_size(in, key, value);
}

void import_copy_real(GgufImport *in, const char *rest, const char *key)
{
    double value = 0;
    if (import_real(in, rest, &value)) import_put_real(in, key, value);
}

void import_copy_flag(GgufImport *in, const char *rest, const char *key)
{
    char full[IMPORT_KEY_SIZE];
    bool value = false, found = false;
    if (in->status == STATUS_OK)
        in->status = gguf_get_bool(in->file, import_key(in, rest, full), &value, &found, in->err);
    if (found) import_put_flag(in, key, value);
}

bool import_has_tensor(const GgufImport *in, const char *name)
{
    return gguf_tensor(in->file, slice_from_cstr(name)) != NULL;
}

void import_put_rows(GgufImport *in, const char *tensor, const char *key)
{
    const SafeTensor *table = gguf_tensor(in->file, slice_from_cstr(tensor));
    if (in->status != STATUS_OK) return;
    if (!table || table->n_dims != 2) {
        in->status =
            error_set(in->err, STATUS_INVALID, SLICE_FMT ": tensor \"%s\" is missing or no table%s",
                      SLICE_ARG(in->file->name), tensor,
                      in->file->n_tensors == 0 ? ": the file is a vocabulary, not a model" : "");
        return;
    }
    import_put_size(in, key, table->shape[0]);
}

const SafeTensor *import_block_tensor(const GgufImport *in, size_t i, const char *rest)
{
    char name[GGUF_NAME_SIZE];
    (void)snprintf(name, sizeof name, "blk.%zu.%s.weight", i, rest);
    return gguf_tensor(in->file, slice_from_cstr(name));
}

void import_put_layer_types(GgufImport *in, size_t period, bool first_is_full)
{
    char key[IMPORT_KEY_SIZE];
    int64_t is_local = 0;
    const GgufValue *told =
        gguf_find(in->file, import_key(in, "attention.sliding_window_pattern", key));
    GgufItems items = {0};
    if (told && told->is_array)
        items = gguf_items(told);
    else if (told)
        (void)import_size(in, "attention.sliding_window_pattern", &period);
    json_member_array(&in->w, "layer_types");
    for (size_t i = 0; i < in->n_layers && i < 4096; i++) {
        if (!gguf_next_int(&items, &is_local))
            is_local = period > 0 && (i + !first_is_full) % period != 0;
        json_put_cstr(&in->w, is_local ? "sliding_attention" : "full_attention");
    }
    json_end_array(&in->w);
}
