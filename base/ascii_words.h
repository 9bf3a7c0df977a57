// base/ascii_words.h: runs of ASCII letters and digits in a text, 64 bytes at a time.
#ifndef ASSAY_BASE_ASCII_WORDS_H
#define ASSAY_BASE_ASCII_WORDS_H

#include "base/slice.h"

enum { ASCII_BLOCK_BYTES = 64 };

// Bytes that ascii_words writes to lower.
static inline size_t ascii_words_bytes(size_t text_len)
{
    return text_len / ASCII_BLOCK_BYTES * ASCII_BLOCK_BYTES + ASCII_BLOCK_BYTES;
}

// The text with A-Z in lower case, and in it the runs of a-z and 0-9; returns how many there are. What is not of ASCII is
// no letter.
//   lower     [ascii_words_bytes(text.len)]; NULs behind the text
//   words     [text.len / 2 + 1], in lower
//   is_ascii  whether the text has no byte above 0x7F
size_t ascii_words(Slice text, char *lower, Slice *words, bool *is_ascii);

#endif
