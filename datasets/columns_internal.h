// datasets/columns_internal.h: between columns.c and columns_names.c.
#ifndef ASSAY_DATASETS_COLUMNS_INTERNAL_H
#define ASSAY_DATASETS_COLUMNS_INTERNAL_H

#include "datasets/columns.h"

// Whether they are the same but for blanks around them and the case of letters.
bool column_same_heading(Slice a, Slice b);
// A column's number from 1, or 0 where the text is no number.
size_t column_number(Slice asked);
// Whether some column is asked for by its heading, not by its number.
bool columns_ask_by_name(const ReadColumns *columns);

#endif
