// base/name_list.h: names put one after the other for a message: "a, b, c and 12 more".
#ifndef ASSAY_BASE_NAME_LIST_H
#define ASSAY_BASE_NAME_LIST_H

#include "base/slice.h"

enum { NAME_LIST_SIZE = 1024, NAME_LIST_LONGEST = 80 };

// Zeroed is empty, but for `most`.
typedef struct NameList {
    char text[NAME_LIST_SIZE]; // NUL-terminated at any time
    size_t len;                // of the names in it
    size_t n;                  // names given
    size_t n_shown;
    size_t most; // names that are shown; 0: as many as fit
} NameList;

// A name longer than NAME_LIST_LONGEST bytes is cut. What does not fit is counted. None of these fails.
void name_list_add(NameList *list, Slice name);
void name_list_add_cstr(NameList *list, const char *name);
void name_list_add_new(NameList *list,
                       Slice name); // unless it is shown already; of names without commas
void name_list_quote(NameList *list, Slice name); // "name"
const char *name_list_or(const NameList *list,
                         const char *empty); // the text, or what stands for none

#endif
