// models/tokenizers/byte_level.h: bytes spelled as characters, as byte-level vocabularies have them.
#ifndef ASSAY_MODELS_TOKENIZERS_BYTE_LEVEL_H
#define ASSAY_MODELS_TOKENIZERS_BYTE_LEVEL_H

#include "models/tokenizers/normalized.h"

// The character that stands for a byte: printable bytes stand for themselves, the others are U+0100 and on, in order.
CodePoint byte_level_char(unsigned char byte);
// The byte behind a character, or -1.
int byte_level_byte(CodePoint c);
// Appends bytes spelled in those characters.
void byte_level_spell(Buffer *out, Slice bytes);
// The bytes that a token spells into out (room for token.len); false where it holds another character.
bool byte_level_unspell(Slice token, char *out, size_t *len);
// w->in spelled in those characters.
Status byte_level_rewrite(Rewrite *w, Error *err) MUST_CHECK;
// Appends the decoded bytes as UTF-8, U+FFFD for each longest broken part (as Rust's from_utf8_lossy has it).
void utf8_append_lossy(Buffer *out, Slice bytes);

#endif
