#include "datasets/scheme.h"

#include <string.h>
#include <strings.h>

static const char *const names[N_TAG_SCHEMES] = {"IOB2", "IOB1", "IOBES", "BILOU"};

const char *scheme_name(size_t scheme)
{
    return scheme < N_TAG_SCHEMES ? names[scheme] : NULL;
}

TagScheme scheme_find(Slice name)
{
    for (size_t i = 0; i < N_TAG_SCHEMES; i++) {
        if (name.len == strlen(names[i]) && strncasecmp(name.ptr, names[i], name.len) == 0)
            return (TagScheme)i;
    }
    return N_TAG_SCHEMES;
}

static bool has_prefix(Slice tag)
{
    return tag.len > 2 && tag.ptr[1] == '-' && strchr("BIESLU", tag.ptr[0]) != NULL;
}

// 'O' for whatever marks no entity.
static char prefix_of(Slice tag)
{
    if (tag.len == 0 || !has_prefix(tag)) return 'O';
    return tag.ptr[0];
}

static bool is_same_type(Slice a, Slice b)
{
    return has_prefix(a) && has_prefix(b) &&
           slice_eq(slice_sub(a, 2, a.len), slice_sub(b, 2, b.len));
}

// Schemes that mark the end too. `last` and `single` are their letters for it.
static bool fits_ends(char last, char single, Slice before, Slice tag)
{
    const char a = prefix_of(before), b = prefix_of(tag);
    const bool is_open = a == 'B' || a == 'I', goes_on = b == 'I' || b == last;
    if (b != 'O' && b != 'B' && b != single && !goes_on) return false;
    return is_open ? goes_on && is_same_type(before, tag) : !goes_on;
}

// before is empty for the first word; tag is empty behind the last.
static bool fits(TagScheme scheme, Slice before, Slice tag)
{
    const char a = prefix_of(before), b = prefix_of(tag);
    switch (scheme) {
    case SCHEME_IOB1:
        return b == 'O' || b == 'I' || (b == 'B' && a != 'O' && is_same_type(before, tag));
    case SCHEME_IOB2:
        return b == 'O' || b == 'B' || (b == 'I' && a != 'O' && is_same_type(before, tag));
    case SCHEME_IOBES:
        return fits_ends('E', 'S', before, tag);
    case SCHEME_BILOU:
        return fits_ends('L', 'U', before, tag);
    case N_TAG_SCHEMES:
        break;
    }
    return true;
}

size_t scheme_break(TagScheme scheme, const Slice *tags, size_t n)
{
    Slice before = {0};
    for (size_t w = 0; w < n; before = tags[w++]) {
        if (!fits(scheme, before, tags[w])) return w;
    }
    // What is still open at the end breaks at its last word.
    return n > 0 && !fits(scheme, before, (Slice){0}) ? n - 1 : n;
}

void scheme_look(SchemeFit *fit, const Slice *tags, size_t n)
{
    fit->n_sentences++;
    for (size_t w = 0; w < n; w++) {
        fit->has_entities = fit->has_entities || has_prefix(tags[w]);
        fit->has_plain = fit->has_plain || !(has_prefix(tags[w]) || slice_eq_cstr(tags[w], "O"));
    }
    for (size_t s = 0; s < N_TAG_SCHEMES; s++)
        fit->n_broken[s] += scheme_break((TagScheme)s, tags, n) < n;
}

TagScheme scheme_of(const SchemeFit *fit)
{
    if (!fit->has_entities) return N_TAG_SCHEMES;
    for (size_t s = 0; s < N_TAG_SCHEMES; s++) {
        if (fit->n_broken[s] == 0) return (TagScheme)s;
    }
    return N_TAG_SCHEMES;
}
