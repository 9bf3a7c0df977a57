#include "models/tokenizers/components.h"

bool component_is(const Json *component, const char *type)
{
    const Json *value = json_get(component, "type");
    return value && json_kind(value) == JSON_STRING && slice_eq_cstr(json_string(value), type);
}

bool component_has(const Json *component, const char *list, const char *type)
{
    if (component_is(component, type)) return true;
    for (const Json *v = json_first(json_get(component, list)); v; v = json_next(v)) {
        if (component_is(v, type)) return true;
    }
    return false;
}

const Json *component_first(const Json *component, const char *list, bool *is_list)
{
    *is_list = component_is(component, "Sequence");
    return *is_list ? json_first(json_get(component, list)) : component;
}
