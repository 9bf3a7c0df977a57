// tests/support/shared.h: where reference files stand that are too big for the repository.
#ifndef ASSAY_TESTS_SUPPORT_SHARED_H
#define ASSAY_TESTS_SUPPORT_SHARED_H

// The path of a file or folder of the shared reference material, or NULL where it is absent. The environment's ASSAY_SHARED names the folder; else it is "shared" beside the source tree.
// The text is valid until the next call.
const char *shared_path(const char *relative);
// The same for a test that cannot go on without it: skips the test where it is absent.
const char *shared_need(const char *relative);
// A copy of such a file as `name` in a test's folder.
void shared_copy(const char *folder, const char *relative, const char *name);

#endif
