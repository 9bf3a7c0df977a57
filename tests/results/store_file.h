// tests/results/store_file.h: a store in a folder of the test's own.
#ifndef ASSAY_TESTS_RESULTS_STORE_FILE_H
#define ASSAY_TESTS_RESULTS_STORE_FILE_H

#include "results/store.h"

// Made anew for each test of a suite that has store_file_make and store_file_remove for .init and .fini.
extern const char *db_folder;
extern char db_path[320];
void store_file_make(void);
void store_file_remove(void);

// Opens db_path, which must succeed.
Store *open_store(StoreFlags flags);
// Runs statements on the file behind the store's back.
void db_sql(const char *text);
// A key made of a text.
Slice key_of(char key[SHA256_HEX_SIZE], const char *text);

#endif
