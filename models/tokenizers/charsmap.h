// models/tokenizers/charsmap.h: the "precompiled character map" of SentencePiece.
//
// A blob: the length of a double array in bytes (u32, little-endian), the array of u32 units as the Darts-clone library
// lays them out, and texts that end with NUL, into which the array's values point. Lookups are bounded by the blob,
// whatever it holds.
#ifndef ASSAY_MODELS_TOKENIZERS_CHARSMAP_H
#define ASSAY_MODELS_TOKENIZERS_CHARSMAP_H

#include "models/tokenizers/normalized.h"

typedef struct Charsmap {
    const unsigned char *units; // little-endian, 4 bytes each
    size_t n_units;
    Slice texts;
    bool starts[256]; // a key of the map begins with the byte
    bool ascii_stays; // no printable ASCII character, alone or before another, is in the map
} Charsmap;

// Borrows blob. An empty blob is a map that changes nothing.
Status charsmap_parse(Slice blob, Charsmap *out, Error *err) MUST_CHECK;

// What the longest, or the shortest, prefix of text in the map becomes; its length in *len. False where none is.
bool charsmap_longest(const Charsmap *map, Slice text, size_t *len, Slice *out);
bool charsmap_shortest(const Charsmap *map, Slice text, Slice *out);

// Whether all of text is printable ASCII that stands for itself.
bool charsmap_is_idle(const Charsmap *map, Slice text);
// The normalizer "Precompiled" of tokenizer.json, which goes by grapheme clusters of fewer than six bytes, and then by
// characters, and takes the shortest prefix. (SentencePiece itself takes the longest prefix of what is left.)
Status charsmap_rewrite(const Charsmap *map, Rewrite *w, Error *err) MUST_CHECK;

#endif
