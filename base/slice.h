// base/slice.h: text and bytes with a length.
//
// A Slice borrows: it never owns what it points to, and the bytes may hold NUL and broken UTF-8. A zeroed Slice is
// the empty text. Offsets and lengths are in bytes unless a name says otherwise.
#ifndef ASSAY_BASE_SLICE_H
#define ASSAY_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Slice {
    const char *ptr;
    size_t len;
} Slice;

// A slice of a string literal, usable in initialisers of static tables.
// clang-format off
#define SLICE_LIT(literal) {("" literal), sizeof(literal) - 1}
// clang-format on
// The same as an expression.
#define SLICE(literal) ((Slice)SLICE_LIT(literal))
// printf("name " SLICE_FMT, SLICE_ARG(name)): prints up to INT_MAX bytes.
#define SLICE_FMT    "%.*s"
#define SLICE_ARG(s) slice_print_len(s), ((s).ptr ? (s).ptr : "")

// The length as printf's "%.*s" wants it, cut at INT_MAX.
int slice_print_len(Slice s);

// A slice of a NUL-terminated string, without the NUL; NULL gives the empty slice.
Slice slice_from_cstr(const char *text);

// The bytes [begin, end) of s; both are cut at s.len, and an empty slice comes back where begin >= end.
Slice slice_sub(Slice s, size_t begin, size_t end);

bool slice_eq(Slice a, Slice b);
bool slice_eq_cstr(Slice a, const char *b);
// Order by bytes (unsigned), shorter first where one is a prefix: <0, 0, >0 as memcmp.
int slice_cmp(Slice a, Slice b);
bool slice_starts_with(Slice s, Slice prefix);
bool slice_ends_with(Slice s, Slice suffix);
// Offset of the first occurrence, or SIZE_MAX. An empty needle is found at 0.
size_t slice_find(Slice s, Slice needle);
size_t slice_find_byte(Slice s, char byte);
// Without ASCII blanks (space, tab, CR, LF, VT, FF) at both ends.
Slice slice_trim(Slice s);

// Reading from the front: on success the bytes are taken off *from; on failure nothing changes.
bool slice_take(Slice *from, size_t len, Slice *out);
bool slice_take_u32le(Slice *from, uint32_t *out);
bool slice_take_u64le(Slice *from, uint64_t *out);
// The bytes before the next separator (taken off with it), or all that is left; false once *from is empty.
// "a,b," yields "a" and "b"; a trailing separator yields no empty last field.
bool slice_split(Slice *from, char separator, Slice *field);

// Whole-text decimal numbers, independent of the locale. False on anything but a complete, representable number;
// leading blanks and '+' are refused. slice_to_double also takes "1e-5", and refuses nan and inf in any spelling.
bool slice_to_i64(Slice s, int64_t *out);
bool slice_to_u64(Slice s, uint64_t *out);
bool slice_to_double(Slice s, double *out);
// What a hexadecimal digit stands for, and four of them at an offset; -1 where they are none.
int slice_hex_digit(char c);
int32_t slice_hex4(Slice s, size_t at);
// Order of values as people read it: numbers first and ascending, then texts by bytes.
int slice_cmp_values(Slice a, Slice b);

#endif
