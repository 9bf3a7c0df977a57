// results/store_data.c: data sets, fold assignments and hashes of files.
#include "base/file.h"
#include "results/store_internal.h"

Status store_dataset_row(Store *store, Slice key, int64_t *row, int64_t *n_samples, Error *err)
{
    Query q;
    TRY(query_begin(store, "SELECT dataset_id, n_samples FROM dataset WHERE key = ?", &q, err));
    query_bind_text(&q, key);
    *row = -1;
    if (query_row(&q)) {
        *row = query_i64(&q, -1);
        *n_samples = query_i64(&q, 0);
    }
    return query_end(&q, err);
}

Status store_has_dataset(Store *store, Slice key, bool *found, Error *err)
{
    int64_t row = -1, n_samples = 0;
    TRY(store_dataset_row(store, key, &row, &n_samples, err));
    *found = row >= 0;
    return STATUS_OK;
}

// Optional text: an empty slice is kept as NULL.
static Slice or_null(Slice text)
{
    return text.len == 0 ? (Slice){0} : text;
}

static Slice or_empty(Slice text)
{
    return text.ptr == NULL ? SLICE("") : text;
}

// Of the inputs alone, so that equal questions are found across data sets.
static void input_hash(const StoredSample *sample, char hex[SHA256_HEX_SIZE])
{
    Sha256 hash;
    unsigned char digest[32];
    sha256_init(&hash);
    sha256_update_field(&hash, sample->input);
    sha256_update_field(&hash, sample->pair);
    sha256_finish(&hash, digest);
    sha256_hex(digest, hex);
}

static Status put_samples(Store *store, int64_t row, const StoredDataset *dataset, Error *err)
{
    Query q;
    TRY(query_begin(store, "INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &q, err));
    for (size_t i = 0; i < dataset->n_samples; i++) {
        const StoredSample *sample = &dataset->samples[i];
        char hex[SHA256_HEX_SIZE];
        input_hash(sample, hex);
        query_bind_i64(&q, row);
        query_bind_i64(&q, (int64_t)i);
        query_bind_text(&q, or_empty(sample->id));
        query_bind_cstr(&q, hex);
        query_bind_text(&q, or_empty(sample->input));
        query_bind_text(&q, sample->pair);
        query_bind_text(&q, sample->reference);
        query_bind_optional(&q, sample->label, STORE_NO_LABEL);
        query_bind_text(&q, or_null(sample->group));
        query_bind_text(&q, or_null(sample->attributes));
        TRY(query_do(&q, err));
    }
    return query_end(&q, err);
}

static Status put_dataset(Store *store, const StoredDataset *dataset, Error *err)
{
    int64_t row = -1, n_samples = 0;
    TRY(store_dataset_row(store, dataset->key, &row, &n_samples, err));
    if (row >= 0) return STATUS_OK;
    Query q;
    TRY(query_begin(store, "INSERT INTO dataset (key, name, sha256, n_samples) VALUES (?, ?, ?, ?)",
                    &q, err));
    query_bind_text(&q, or_empty(dataset->key));
    query_bind_text(&q, or_empty(dataset->name));
    query_bind_text(&q, or_empty(dataset->sha256));
    query_bind_i64(&q, (int64_t)dataset->n_samples);
    TRY(query_do(&q, err));
    row = sqlite3_last_insert_rowid(store->db);
    TRY(query_begin(store, "INSERT INTO dataset_label VALUES (?, ?, ?)", &q, err));
    for (size_t i = 0; i < dataset->n_labels; i++) {
        query_bind_i64(&q, row);
        query_bind_i64(&q, (int64_t)i);
        query_bind_text(&q, or_empty(dataset->labels[i]));
        TRY(query_do(&q, err));
    }
    TRY(query_end(&q, err));
    return put_samples(store, row, dataset, err);
}

Status store_put_dataset(Store *store, const StoredDataset *dataset, Error *err)
{
    TRY(store_transaction_begin(store, err));
    return store_transaction_end(store, put_dataset(store, dataset, err), err);
}

static Status get_labels(Store *store, Arena *arena, int64_t row, StoredDataset *out, Error *err)
{
    Query q;
    TRY(query_begin(store, "SELECT name FROM dataset_label WHERE dataset_id = ? ORDER BY label", &q,
                    err));
    query_bind_i64(&q, row);
    Slice *labels = NULL;
    size_t capacity = 0;
    while (query_row(&q) &&
           query_room(&q, arena, &labels, out->n_labels, &capacity, sizeof *labels))
        labels[out->n_labels++] = query_text(&q, arena);
    out->labels = labels;
    return query_end(&q, err);
}

static Status get_samples(Store *store, Arena *arena, int64_t row, StoredDataset *out, Error *err)
{
    StoredSample *samples = NULL;
    const size_t expected = out->n_samples;
    TRY(arena_take(arena, expected, sizeof *samples, "samples", &samples, err));
    Query q;
    TRY(query_begin(
        store,
        "SELECT sample_id, input, pair, reference, label, sample_group, attributes FROM sample"
        " WHERE dataset_id = ? ORDER BY ordinal",
        &q, err));
    query_bind_i64(&q, row);
    size_t n = 0;
    while (n < expected && query_row(&q)) {
        StoredSample *sample = &samples[n++];
        sample->id = query_text(&q, arena);
        sample->input = query_text(&q, arena);
        sample->pair = query_text(&q, arena);
        sample->reference = query_text(&q, arena);
        sample->label = (int32_t)query_i64(&q, STORE_NO_LABEL);
        sample->group = query_text(&q, arena);
        sample->attributes = query_text(&q, arena);
    }
    out->samples = samples;
    TRY(query_end(&q, err));
    if (n == expected) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "store %s: a data set says %zu samples, but only %zu are there", store->path,
                     expected, n);
}

Status store_get_dataset(Store *store, Arena *arena, Slice key, StoredDataset *out, Error *err)
{
    *out = (StoredDataset){0};
    Query q;
    TRY(query_begin(store,
                    "SELECT dataset_id, key, name, sha256, n_samples FROM dataset WHERE key = ?",
                    &q, err));
    query_bind_text(&q, key);
    int64_t row = -1;
    if (query_row(&q)) {
        row = query_i64(&q, -1);
        out->key = query_text(&q, arena);
        out->name = query_text(&q, arena);
        out->sha256 = query_text(&q, arena);
        out->n_samples = (size_t)query_i64(&q, 0);
    }
    TRY(query_end(&q, err));
    if (row < 0) {
        return error_set(err, STATUS_NOT_FOUND, "store %s: no data set " SLICE_FMT, store->path,
                         SLICE_ARG(key));
    }
    TRY(get_labels(store, arena, row, out, err));
    return get_samples(store, arena, row, out, err);
}

static Status put_folds(Store *store, Slice key, Slice dataset_key, size_t k, const int32_t *folds,
                        size_t n_samples, Error *err)
{
    int64_t dataset = -1, expected = 0;
    TRY(store_dataset_row(store, dataset_key, &dataset, &expected, err));
    if (dataset < 0 || (size_t)expected != n_samples) {
        return error_set(
            err, STATUS_INVALID,
            "store %s: folds of %zu samples for a data set that is not stored or has %lld",
            store->path, n_samples, (long long)expected);
    }
    Query q;
    TRY(query_begin(store, "INSERT OR IGNORE INTO fold_set (key, dataset_id, k) VALUES (?, ?, ?)",
                    &q, err));
    query_bind_text(&q, key);
    query_bind_i64(&q, dataset);
    query_bind_i64(&q, (int64_t)k);
    TRY(query_do(&q, err));
    if (sqlite3_changes(store->db) == 0) return STATUS_OK;
    const int64_t row = sqlite3_last_insert_rowid(store->db);
    TRY(query_begin(store, "INSERT INTO fold_member VALUES (?, ?, ?)", &q, err));
    for (size_t i = 0; i < n_samples; i++) {
        query_bind_i64(&q, row);
        query_bind_i64(&q, (int64_t)i);
        query_bind_optional(&q, folds[i], STORE_NO_FOLD);
        TRY(query_do(&q, err));
    }
    return query_end(&q, err);
}

Status store_put_folds(Store *store, Slice key, Slice dataset_key, size_t k, const int32_t *folds,
                       size_t n_samples, Error *err)
{
    TRY(store_transaction_begin(store, err));
    return store_transaction_end(store,
                                 put_folds(store, key, dataset_key, k, folds, n_samples, err), err);
}

Status store_get_folds(Store *store, Arena *arena, Slice key, size_t *k, int32_t **folds,
                       size_t *n_samples, Error *err)
{
    Query q;
    TRY(query_begin(
        store,
        "SELECT f.fold_set_id, f.k, d.n_samples FROM fold_set f JOIN dataset d USING (dataset_id)"
        " WHERE f.key = ?",
        &q, err));
    query_bind_text(&q, key);
    int64_t row = -1;
    *n_samples = 0;
    if (query_row(&q)) {
        row = query_i64(&q, -1);
        *k = (size_t)query_i64(&q, 0);
        *n_samples = (size_t)query_i64(&q, 0);
    }
    TRY(query_end(&q, err));
    if (row < 0)
        return error_set(err, STATUS_NOT_FOUND, "store %s: no folds " SLICE_FMT, store->path,
                         SLICE_ARG(key));
    TRY(arena_take(arena, *n_samples, sizeof **folds, "folds", folds, err));
    for (size_t i = 0; i < *n_samples; i++) (*folds)[i] = STORE_NO_FOLD;
    TRY(query_begin(store, "SELECT ordinal, fold FROM fold_member WHERE fold_set_id = ?", &q, err));
    query_bind_i64(&q, row);
    while (query_row(&q)) {
        const int64_t ordinal = query_i64(&q, -1);
        if (ordinal >= 0 && (size_t)ordinal < *n_samples)
            (*folds)[ordinal] = (int32_t)query_i64(&q, STORE_NO_FOLD);
    }
    return query_end(&q, err);
}

Status store_get_file_hash(Store *store, const char *path, char sha256[SHA256_HEX_SIZE],
                           bool *found, Error *err)
{
    *found = false;
    FileStat state;
    TRY(file_stat(path, &state, err));
    Query q;
    TRY(query_begin(
        store,
        "SELECT sha256 FROM file_hash WHERE path = ? AND size_bytes = ? AND inode = ? AND device = ?"
        " AND mtime_ns = ?",
        &q, err));
    query_bind_cstr(&q, path);
    query_bind_i64(&q, (int64_t)state.size_bytes);
    query_bind_i64(&q, (int64_t)state.inode);
    query_bind_i64(&q, (int64_t)state.device);
    query_bind_i64(&q, state.mtime_ns);
    if (query_row(&q)) {
        const Slice hex = query_blob(&q);
        *found = hex.len == SHA256_HEX_SIZE - 1;
        if (*found) {
            memcpy(sha256, hex.ptr, hex.len);
            sha256[hex.len] = '\0';
        }
    }
    return query_end(&q, err);
}

static Status put_file_hash(Store *store, const char *path, const FileStat *state,
                            const char *sha256, Error *err)
{
    Query q;
    TRY(query_begin(store, "INSERT OR REPLACE INTO file_hash VALUES (?, ?, ?, ?, ?, ?)", &q, err));
    query_bind_cstr(&q, path);
    query_bind_i64(&q, (int64_t)state->size_bytes);
    query_bind_i64(&q, (int64_t)state->inode);
    query_bind_i64(&q, (int64_t)state->device);
    query_bind_i64(&q, state->mtime_ns);
    query_bind_cstr(&q, sha256);
    TRY(query_do(&q, err));
    return query_end(&q, err);
}

static bool same_state(const FileStat *a, const FileStat *b)
{
    return a->size_bytes == b->size_bytes && a->inode == b->inode && a->device == b->device &&
           a->mtime_ns == b->mtime_ns;
}

Status store_file_hash(Store *store, const char *path, char sha256[SHA256_HEX_SIZE], Error *err)
{
    bool found = false;
    TRY(store_get_file_hash(store, path, sha256, &found, err));
    if (found) return STATUS_OK;
    FileStat before, after;
    TRY(file_stat(path, &before, err));
    TRY(sha256_file(path, sha256, err));
    TRY(file_stat(path, &after, err));
    // A file that changes while it is read has no hash worth remembering.
    if (store->is_read_only || !same_state(&before, &after)) return STATUS_OK;
    TRY(store_transaction_begin(store, err));
    return store_transaction_end(store, put_file_hash(store, path, &before, sha256, err), err);
}
