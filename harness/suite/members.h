// harness/suite/members.h: a suite of suites: a file with "suites" in place of models and tasks. Each of them is run as it
// stands, a run of its own; nothing is shared between them but the store.
#ifndef ASSAY_HARNESS_SUITE_MEMBERS_H
#define ASSAY_HARNESS_SUITE_MEMBERS_H

#include "base/arena.h"
#include "base/error.h"

typedef struct SuiteMember {
    Slice name;       // for people and folders: the file's name without ".json"
    const char *path; // of its file
} SuiteMember;

typedef struct SuiteMembers {
    Slice suite; // the name of the whole
    SuiteMember *all;
    size_t n; // 0: the file is a suite of its own
} SuiteMembers;

// name as suite_load takes it. A member is the name of an installed suite, or a path relative to the file. All goes into
// the arena. STATUS_INVALID for an empty list, a name that stands twice, keys that such a file does not have; members are
// found here, but not read.
Status suite_members_load(Arena *arena, const char *name, SuiteMembers *out, Error *err) MUST_CHECK;

#endif
