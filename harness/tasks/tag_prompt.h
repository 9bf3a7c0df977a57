// harness/tasks/tag_prompt.h: entities written out in words, "PER: Ada Lovelace; LOC: London", and read back as tags.
//
// Entities stand in their order, "; " between them (a line break serves too), each with what its type is called; "none"
// where a sentence has no entity. Read back, a type is matched without regard to case, and an entity stands for the first
// words of the sentence, not yet taken, that make up the same text when blanks are left out. An answer is unreadable as
// soon as one of its parts has no colon, no known type, or words that the sentence lacks; its other parts still count.
#ifndef ASSAY_HARNESS_TASKS_TAG_PROMPT_H
#define ASSAY_HARNESS_TASKS_TAG_PROMPT_H

#include "harness/family.h"

extern const FamilyPrompt tag_prompt;

#endif
