#include "harness/family.h"

#include <string.h>

extern const Family family_classify, family_tag, family_span;

const Family *const families_all[] = {&family_classify, &family_tag, &family_span};
const size_t families_count = sizeof families_all / sizeof *families_all;

const Family *family_find(Slice name)
{
    for (size_t i = 0; i < families_count; i++) {
        if (slice_eq_cstr(name, families_all[i]->name)) return families_all[i];
    }
    return NULL;
}

uint64_t family_key(Slice id, size_t window)
{
    Sha256 hash;
    unsigned char digest[32];
    uint64_t key = 0;
    sha256_init(&hash);
    sha256_update(&hash, id);
    sha256_finish(&hash, digest);
    for (int i = 0; i < 8; i++) key |= (uint64_t)digest[i] << (8 * i);
    return key + 0x9e3779b97f4a7c15u * window; // Knuth's golden ratio: windows far apart
}

void family_windows(const Tokens *tokens, size_t position, size_t *begin, size_t *end)
{
    *begin = tokens->first_window ? tokens->first_window[position] : position;
    *end = tokens->first_window ? tokens->first_window[position + 1] : position + 1;
}

size_t family_first_label(const Tokens *tokens, size_t window)
{
    return tokens->words ? tokens->batch.starts[window] : 2 * window;
}

Status family_join(const Slice *words, size_t n, Arena *arena, Slice *out, Error *err)
{
    size_t len = n > 0 ? n - 1 : 0;
    char *text = NULL;
    for (size_t i = 0; i < n; i++) len += words[i].len;
    TRY(arena_take(arena, len + 1, 1, "a text", &text, err));
    *out = (Slice){text, len};
    for (size_t i = 0; i < n; i++) {
        if (i > 0) *text++ = ' ';
        if (words[i].len > 0) memcpy(text, words[i].ptr, words[i].len);
        text += words[i].len;
    }
    return STATUS_OK;
}

void family_labels_as_read(TaskData *data)
{
    data->metric_labels = data->labels;
    data->n_metric_labels = data->n_labels;
}
