#include "base/slice.h"

#include <limits.h>
#include <string.h>

#include "base/size.h"

int slice_print_len(Slice s)
{
    return s.len > INT_MAX ? INT_MAX : (int)s.len;
}

Slice slice_from_cstr(const char *text)
{
    return text == NULL ? (Slice){0} : (Slice){text, strlen(text)};
}

Slice slice_sub(Slice s, size_t begin, size_t end)
{
    end = size_min(end, s.len);
    if (begin >= end) return (Slice){0};
    return (Slice){s.ptr + begin, end - begin};
}

bool slice_eq(Slice a, Slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool slice_eq_cstr(Slice a, const char *b)
{
    return slice_eq(a, slice_from_cstr(b));
}

int slice_cmp(Slice a, Slice b)
{
    const size_t shared = size_min(a.len, b.len);
    const int order = shared == 0 ? 0 : memcmp(a.ptr, b.ptr, shared);
    if (order != 0) return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool slice_starts_with(Slice s, Slice prefix)
{
    return s.len >= prefix.len && slice_eq((Slice){s.ptr, prefix.len}, prefix);
}

bool slice_ends_with(Slice s, Slice suffix)
{
    return s.len >= suffix.len && slice_eq(slice_sub(s, s.len - suffix.len, s.len), suffix);
}

size_t slice_find(Slice s, Slice needle)
{
    if (needle.len == 0) return 0;
    if (needle.len > s.len) return SIZE_MAX;
    const char *found = memmem(s.ptr, s.len, needle.ptr, needle.len);
    return found == NULL ? SIZE_MAX : (size_t)(found - s.ptr);
}

size_t slice_find_byte(Slice s, char byte)
{
    if (s.len == 0) return SIZE_MAX;
    const char *found = memchr(s.ptr, byte, s.len);
    return found == NULL ? SIZE_MAX : (size_t)(found - s.ptr);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

Slice slice_trim(Slice s)
{
    size_t begin = 0;
    size_t end = s.len;
    while (begin < end && is_blank(s.ptr[begin])) begin++;
    while (end > begin && is_blank(s.ptr[end - 1])) end--;
    return slice_sub(s, begin, end);
}

bool slice_take(Slice *from, size_t len, Slice *out)
{
    if (len > from->len) return false;
    *out = (Slice){from->ptr, len};
    if (len > 0) *from = (Slice){from->ptr + len, from->len - len};
    return true;
}

// The next n_bytes (at most 8) as a little-endian number.
static bool take_little_endian(Slice *from, size_t n_bytes, uint64_t *out)
{
    Slice bytes;
    if (!slice_take(from, n_bytes, &bytes)) return false;
    uint64_t value = 0;
    for (size_t i = n_bytes; i-- > 0;) value = value << 8 | (unsigned char)bytes.ptr[i];
    *out = value;
    return true;
}

bool slice_take_u32le(Slice *from, uint32_t *out)
{
    uint64_t value;
    if (!take_little_endian(from, 4, &value)) return false;
    *out = (uint32_t)value;
    return true;
}

bool slice_take_u64le(Slice *from, uint64_t *out)
{
    return take_little_endian(from, 8, out);
}

bool slice_split(Slice *from, char separator, Slice *field)
{
    if (from->len == 0) return false;
    const size_t at = slice_find_byte(*from, separator);
    if (at == SIZE_MAX) {
        *field = *from;
        *from = (Slice){0};
        return true;
    }
    *field = (Slice){from->ptr, at};
    *from = (Slice){from->ptr + at + 1, from->len - at - 1};
    return true;
}
