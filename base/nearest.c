// The known name nearest to a misspelt one.
#include "base/json.h"
#include "base/size.h"

#include <string.h>

enum { MAX_NAME = 64 };

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
    return c;
}

// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours cost 1 each; '-' and '_' and
// upper and lower case are the same. Both texts have at most MAX_NAME bytes.
static size_t edit_distance(Slice a, Slice b)
{
    size_t rows[3][MAX_NAME + 1];
    for (size_t j = 0; j <= b.len; j++) rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            const char x = lower(a.ptr[i - 1]), y = lower(b.ptr[j - 1]);
            const bool same = x == y || ((x == '-' || x == '_') && (y == '-' || y == '_'));
            row[j] = size_min(above[j - 1] + !same, size_min(above[j], row[j - 1]) + 1);
            const bool swapped =
                i > 1 && j > 1 && x == lower(b.ptr[j - 2]) && lower(a.ptr[i - 2]) == y;
            if (swapped) row[j] = size_min(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

const char *nearest_name(Slice text, const char *const *known, size_t n_known)
{
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    if (text.len == 0 || text.len > MAX_NAME) return NULL;
    for (size_t i = 0; i < n_known; i++) {
        const Slice name = slice_from_cstr(known[i]);
        if (name.len > MAX_NAME) continue;
        const size_t distance = edit_distance(text, name);
        // One slip in every three letters is still a slip; more is another word.
        const size_t longest = size_max(text.len, name.len);
        if (distance > size_max(longest / 3, 1) || distance >= longest) continue;
        if (distance >= best_distance) continue;
        best = known[i];
        best_distance = distance;
    }
    return best;
}
