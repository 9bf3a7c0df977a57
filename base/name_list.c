#include "base/name_list.h"

#include <stdio.h>

enum { COUNT_SIZE = 32 }; // " and N more"

static void add(NameList *list, const char *quote, Slice name)
{
    const Slice shown = slice_sub(name, 0, NAME_LIST_LONGEST);
    const char *comma = list->n_shown > 0 ? ", " : "";
    const size_t room = NAME_LIST_SIZE - COUNT_SIZE - list->len;
    list->n++;
    if (list->n == list->n_shown + 1 && (list->most == 0 || list->n <= list->most)) {
        const int len = snprintf(list->text + list->len, room, "%s%s" SLICE_FMT "%s", comma, quote,
                                 SLICE_ARG(shown), quote);
        if (len >= 0 && (size_t)len < room) {
            list->len += (size_t)len;
            list->n_shown++;
            return;
        }
    }
    snprintf(list->text + list->len, COUNT_SIZE, " and %zu more", list->n - list->n_shown);
}

void name_list_add(NameList *list, Slice name)
{
    add(list, "", name);
}

void name_list_add_cstr(NameList *list, const char *name)
{
    add(list, "", slice_from_cstr(name));
}

void name_list_add_new(NameList *list, Slice name)
{
    Slice rest = {list->text, list->len}, shown;
    while (slice_split(&rest, ',', &shown)) {
        if (slice_eq(slice_trim(shown), name)) return;
    }
    add(list, "", name);
}

void name_list_quote(NameList *list, Slice name)
{
    add(list, "\"", name);
}

const char *name_list_or(const NameList *list, const char *empty)
{
    return list->n > 0 ? list->text : empty;
}
