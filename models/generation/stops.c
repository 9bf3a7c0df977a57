#include "models/generation/stops.h"

#include "base/buffer.h"
#include "base/size.h"

Status stops_check(const StopTexts *stops, Error *err)
{
    if (stops->n > 0 && !stops->tokenizer)
        return error_set(err, STATUS_INVALID, "stop strings need the model's tokenizer");
    for (size_t i = 0; i < stops->n; i++) {
        if (stops->texts[i].len == 0)
            return error_set(err, STATUS_INVALID, "stop string %zu is empty", i);
    }
    return STATUS_OK;
}

Status stops_find(const StopTexts *stops, const int32_t *ids, size_t n, size_t *at, Error *err)
{
    Buffer text = {0};
    *at = SIZE_MAX;
    if (stops->n == 0) return STATUS_OK;
    Status s = tokenizer_decode(stops->tokenizer, ids, n, true, &text, err);
    if (s == STATUS_OK) s = buffer_status(&text, err);
    for (size_t i = 0; s == STATUS_OK && i < stops->n; i++)
        *at = size_min(*at, slice_find(buffer_slice(&text), stops->texts[i]));
    buffer_release(&text);
    return s;
}
