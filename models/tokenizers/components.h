// models/tokenizers/components.h: the components of a tokenizer.json that was read as a document: normalizers, pre-tokenizers and
// others have a "type", and may be a "Sequence" of others.
#ifndef ASSAY_MODELS_TOKENIZERS_COMPONENTS_H
#define ASSAY_MODELS_TOKENIZERS_COMPONENTS_H

#include <stdbool.h>

#include "base/json.h"

// Whether a component is of a type. NULL and null are of none.
bool component_is(const Json *component, const char *type);
// Whether it, or one of a sequence's, which stand in the member `list`, is.
bool component_has(const Json *component, const char *list, const char *type);
// The first of a sequence, or the component itself. Walk with json_next where *is_list.
const Json *component_first(const Json *component, const char *list, bool *is_list);

#endif
