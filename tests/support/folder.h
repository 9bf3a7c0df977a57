// tests/support/folder.h: a folder of a test's own, removed with all that is in it.
#ifndef ASSAY_TESTS_SUPPORT_FOLDER_H
#define ASSAY_TESTS_SUPPORT_FOLDER_H

// Makes an empty folder and gives its path. The text is valid until the next call.
const char *folder_make(void);
// folder + "/" + name. The text is valid until the fourth call from now.
const char *folder_path(const char *folder, const char *name);
// Writes a file of the folder, in place of one that is there, and gives its path as folder_path does. Like folder_make it ends
// the test's process where that fails.
const char *folder_write(const char *folder, const char *name, const char *text);
// Removes a folder of folder_make and everything in it.
void folder_remove(const char *folder);

#endif
