// harness/suite/augment.h: the key "augment" for those who make the copies that it asks for.
#ifndef ASSAY_HARNESS_SUITE_AUGMENT_H
#define ASSAY_HARNESS_SUITE_AUGMENT_H

#include <stddef.h>

#include "base/json_writer.h"

const char *augment_kind_name(size_t index); // NULL past the last
// The key as it stands in canonical settings; target is a TuneSetting.
void tune_write_augment(const void *target, const char *key, JsonWriter *w);

#endif
