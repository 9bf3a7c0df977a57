// datasets/swap.h: copies of samples that speak of another group: words exchanged by a list, case kept.
//
// A list is JSON: {"swap": NAME, "summary": TEXT, "words": {"he": "she", "she": "he", ...}}, each word once, in lower case. A
// word of a text is a run of letters; it is replaced as it was written: "he", "He", "HE".
//
// A word that does two jobs has two replacements: {"her": {"before_noun": "his", "alone": "him"}}. Whether it stands before
// a noun is told by what follows: it does where a blank and then a word come that is not among the list's "no_nouns" (and, to,
// a, ..); it stands alone before such a word, a mark, or the text's end. "She saw her leave" is read wrongly so, most else right.
#ifndef ASSAY_DATASETS_SWAP_H
#define ASSAY_DATASETS_SWAP_H

#include "base/buffer.h"
#include "datasets/sample.h"

typedef struct SwapList SwapList; // lives in the arena it was loaded into

// Refused, with its place: an empty list; a word that is not lower case and letters alone; one that is its own replacement.
Status swap_list_load(const char *path, Arena *arena, const SwapList **out, Error *err) MUST_CHECK;
// *out is the text itself where no word of it is in the list. What follows the text is not known: its end is an end.
Status swap_text(const SwapList *list, Slice text, Arena *arena, Slice *out, bool *is_changed,
                 Error *err) MUST_CHECK;
// A replacement in lower case as the word (whose lower case is given too) was written: all capitals, a capital at first, or
// neither.
void swap_put_like(Buffer *out, Slice word, Slice lower, Slice to);
// A copy with text, pair, context, tokens, choices, answers and targets swapped; answers stand where they stood. It counts as
// changed where more than the targets is.
Status swap_sample(const SwapList *list, const Sample *sample, Arena *arena, Sample *out,
                   bool *is_changed, Error *err) MUST_CHECK;

#endif
