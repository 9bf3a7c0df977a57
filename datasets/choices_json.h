// datasets/choices_json.h: choices as JSON has them. Internal to datasets/.
#ifndef ASSAY_DATASETS_CHOICES_JSON_H
#define ASSAY_DATASETS_CHOICES_JSON_H

#include "base/json_reader.h"
#include "datasets/sample.h"

// Of a value that r is at: a list of strings; one string; {"text": [..], "label": [..]} (what the file calls the choices goes
// into *names); or an object from choice to 1 or 0, which also says which is right (*answer, its index).
Status choices_read_json(JsonReader *r, Sample *sample, const Slice **names, Slice *answer,
                         Error *err) MUST_CHECK;

#endif
