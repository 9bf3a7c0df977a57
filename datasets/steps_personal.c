// Personal data taken out.
#include "datasets/personal.h"
#include "datasets/steps_internal.h"

static Status apply_anonymise(TextEdit *edit, Arena *scratch, Error *err)
{
    PersonalScan scan = {.text = edit->from};
    PersonalFind find;
    (void)scratch, (void)err;
    while (personal_next(&scan, &find)) {
        text_edit_keep(edit, find.begin - edit->at);
        text_edit_put(edit, find.end - find.begin, slice_from_cstr(personal_kinds[find.kind].mark));
    }
    text_edit_rest(edit);
    return STATUS_OK;
}

const Step step_anonymise = {
    .name = "anonymise",
    .summary =
        "personal data become <EMAIL>, <PHONE>, <IBAN> and the like, as `assay scan` finds them",
    .takes_attributes = true,
    .apply = apply_anonymise};
