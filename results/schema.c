// results/schema.c: the tables. Each migration is one script, run in one transaction with the rise of user_version.
//
// Text is UTF-8; numbers inside blobs are little-endian. Times are nanoseconds (since 1970 UTC where a point in time).
// Tables named v_... are views for people; README.md explains each.
#include "results/store_internal.h"

static const char *const migration_1[] = {
    "CREATE TABLE migration ("
    "  version INTEGER PRIMARY KEY, applied_unix_ns INTEGER NOT NULL, sqlite_version TEXT NOT NULL) STRICT;",

    "CREATE TABLE dataset ("
    "  dataset_id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, sha256 TEXT NOT NULL,"
    "  n_samples INTEGER NOT NULL) STRICT;",
    "CREATE TABLE dataset_label ("
    "  dataset_id INTEGER NOT NULL REFERENCES dataset ON DELETE CASCADE, label INTEGER NOT NULL, name TEXT NOT NULL,"
    "  PRIMARY KEY (dataset_id, label)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE sample ("
    "  dataset_id INTEGER NOT NULL REFERENCES dataset ON DELETE CASCADE, ordinal INTEGER NOT NULL,"
    "  sample_id TEXT NOT NULL, input_sha256 TEXT NOT NULL, input TEXT NOT NULL, pair TEXT, reference TEXT,"
    "  label INTEGER, sample_group TEXT, attributes TEXT, PRIMARY KEY (dataset_id, ordinal)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE fold_set ("
    "  fold_set_id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,"
    "  dataset_id INTEGER NOT NULL REFERENCES dataset ON DELETE CASCADE, k INTEGER NOT NULL) STRICT;",
    "CREATE TABLE fold_member ("
    "  fold_set_id INTEGER NOT NULL REFERENCES fold_set ON DELETE CASCADE, ordinal INTEGER NOT NULL, fold INTEGER,"
    "  PRIMARY KEY (fold_set_id, ordinal)) STRICT, WITHOUT ROWID;",

    "CREATE TABLE trial ("
    "  trial_id INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE CHECK (length(id) = 64), identity TEXT NOT NULL,"
    "  setting TEXT NOT NULL, dataset_id INTEGER REFERENCES dataset, fold_set_id INTEGER REFERENCES fold_set,"
    "  role TEXT NOT NULL, outer_fold INTEGER, inner_fold INTEGER, seed INTEGER NOT NULL,"
    "  status TEXT NOT NULL CHECK (status IN ('done', 'failed')), error TEXT, best_step INTEGER,"
    "  n_outputs INTEGER NOT NULL) STRICT;",
    "CREATE TABLE output ("
    "  trial_id INTEGER NOT NULL REFERENCES trial ON DELETE CASCADE, ordinal INTEGER NOT NULL, label INTEGER,"
    "  text TEXT, probabilities BLOB, latency_ns INTEGER, PRIMARY KEY (trial_id, ordinal)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE metric ("
    "  metric_id INTEGER PRIMARY KEY, trial_id INTEGER NOT NULL REFERENCES trial ON DELETE CASCADE,"
    "  position INTEGER NOT NULL, name TEXT NOT NULL, params TEXT, signature TEXT NOT NULL, width INTEGER NOT NULL,"
    "  UNIQUE (trial_id, position)) STRICT;",
    "CREATE TABLE metric_block (" // ordinals: u32 [n_rows]; rows: f64 [n_rows, width]
    "  metric_id INTEGER NOT NULL REFERENCES metric ON DELETE CASCADE, block INTEGER NOT NULL,"
    "  n_rows INTEGER NOT NULL, ordinals BLOB NOT NULL, rows BLOB NOT NULL,"
    "  PRIMARY KEY (metric_id, block)) STRICT;",
    "CREATE TABLE score ("
    "  trial_id INTEGER NOT NULL REFERENCES trial ON DELETE CASCADE, position INTEGER NOT NULL, metric TEXT NOT NULL,"
    "  name TEXT NOT NULL, estimate REAL, lo REAL, hi REAL, level REAL, method TEXT NOT NULL, n INTEGER NOT NULL,"
    "  direction INTEGER NOT NULL, lowest REAL, highest REAL, PRIMARY KEY (trial_id, position)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE curve ("
    "  trial_id INTEGER NOT NULL REFERENCES trial ON DELETE CASCADE, series TEXT NOT NULL, step INTEGER NOT NULL,"
    "  value REAL, PRIMARY KEY (trial_id, series, step)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE cost ("
    "  cost_id INTEGER PRIMARY KEY, trial_id INTEGER NOT NULL REFERENCES trial ON DELETE CASCADE,"
    "  started_unix_ns INTEGER, wall_ns INTEGER, cpu_ns INTEGER, train_ns INTEGER, evaluate_ns INTEGER,"
    "  n_train_tokens INTEGER, n_evaluate_tokens INTEGER, peak_rss_bytes INTEGER, load_average REAL, device TEXT,"
    "  n_threads INTEGER, machine TEXT) STRICT;",
    "CREATE INDEX cost_by_trial ON cost (trial_id);",

    "CREATE TABLE run ("
    "  run_id INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, suite TEXT NOT NULL, identity TEXT NOT NULL,"
    "  settings TEXT NOT NULL, manifest TEXT NOT NULL, manifest_machine TEXT NOT NULL, primary_metric TEXT NOT NULL,"
    "  status TEXT NOT NULL, started_unix_ns INTEGER NOT NULL, finished_unix_ns INTEGER) STRICT;",
    "CREATE TABLE run_trial (" // trial: an id that may not be stored yet, hence no foreign key
    "  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, position INTEGER NOT NULL, trial TEXT NOT NULL,"
    "  model TEXT NOT NULL, task TEXT NOT NULL, setting TEXT NOT NULL, role TEXT NOT NULL, outer_fold INTEGER,"
    "  inner_fold INTEGER, seed INTEGER NOT NULL, is_chosen INTEGER NOT NULL,"
    "  PRIMARY KEY (run_id, position)) STRICT, WITHOUT ROWID;",
    "CREATE INDEX run_trial_by_trial ON run_trial (trial);",
    "CREATE TABLE run_score ("
    "  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, position INTEGER NOT NULL, model TEXT NOT NULL,"
    "  task TEXT NOT NULL, setting TEXT, role TEXT NOT NULL, metric TEXT NOT NULL, name TEXT NOT NULL, estimate REAL,"
    "  lo REAL, hi REAL, level REAL, method TEXT NOT NULL, n INTEGER NOT NULL, direction INTEGER NOT NULL, lowest REAL,"
    "  highest REAL, n_folds INTEGER NOT NULL, n_seeds INTEGER NOT NULL, n_trials INTEGER NOT NULL,"
    "  PRIMARY KEY (run_id, position)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE data_check ("
    "  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, position INTEGER NOT NULL, task TEXT NOT NULL,"
    "  section TEXT NOT NULL, item TEXT NOT NULL, number REAL, value TEXT NOT NULL, level TEXT NOT NULL,"
    "  PRIMARY KEY (run_id, position)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE run_note ("
    "  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, position INTEGER NOT NULL, level TEXT NOT NULL,"
    "  trial TEXT, text TEXT NOT NULL, PRIMARY KEY (run_id, position)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE file_hash ("
    "  path TEXT PRIMARY KEY, size_bytes INTEGER NOT NULL, inode INTEGER NOT NULL, device INTEGER NOT NULL,"
    "  mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL) STRICT, WITHOUT ROWID;",

    "CREATE VIEW v_trials AS"
    "  SELECT run.id AS run, r.position, r.model, r.task, r.setting, r.role, r.outer_fold, r.inner_fold, r.seed,"
    "    r.is_chosen, coalesce(t.status, 'absent') AS status, t.error, t.n_outputs, r.trial"
    "  FROM run_trial r JOIN run USING (run_id) LEFT JOIN trial t ON t.id = r.trial ORDER BY run.run_id, r.position;",
    "CREATE VIEW v_scores AS"
    "  SELECT run.id AS run, r.model, r.task, r.setting, r.role, r.outer_fold, r.inner_fold, r.seed, s.name AS score,"
    "    s.estimate, s.lo, s.hi, s.method, s.n"
    "  FROM run_trial r JOIN run USING (run_id) JOIN trial t ON t.id = r.trial JOIN score s USING (trial_id)"
    "  ORDER BY run.run_id, r.position, s.position;",
    "CREATE VIEW v_run_scores AS"
    "  SELECT run.id AS run, s.model, s.task, s.setting, s.role, s.name AS score, s.estimate, s.lo, s.hi, s.method,"
    "    s.n, s.n_folds, s.n_seeds FROM run_score s JOIN run USING (run_id) ORDER BY run.run_id, s.position;",
    "CREATE VIEW v_predictions AS"
    "  SELECT run.id AS run, r.model, r.task, r.setting, r.role, r.outer_fold, r.seed, a.sample_id, a.input, a.pair,"
    "    a.reference, coalesce(o.text, l.name) AS predicted, CASE WHEN a.label IS NOT NULL THEN o.label IS a.label END AS is_correct, o.latency_ns"
    "  FROM run_trial r JOIN run USING (run_id) JOIN trial t ON t.id = r.trial JOIN output o USING (trial_id)"
    "    JOIN sample a ON a.dataset_id = t.dataset_id AND a.ordinal = o.ordinal"
    "    LEFT JOIN dataset_label l ON l.dataset_id = t.dataset_id AND l.label = o.label;",
    "CREATE VIEW v_curves AS"
    "  SELECT run.id AS run, r.model, r.task, r.setting, r.role, r.outer_fold, r.seed, c.series, c.step, c.value"
    "  FROM run_trial r JOIN run USING (run_id) JOIN trial t ON t.id = r.trial JOIN curve c USING (trial_id);",
    "CREATE VIEW v_costs AS"
    "  SELECT run.id AS run, r.model, r.task, r.setting, r.role, r.outer_fold, r.seed, c.device, c.n_threads,"
    "    c.wall_ns / 1e9 AS wall_s, c.cpu_ns / 1e9 AS cpu_s, c.train_ns / 1e9 AS train_s,"
    "    c.evaluate_ns / 1e9 AS evaluate_s, c.n_train_tokens, c.n_evaluate_tokens, c.peak_rss_bytes / 1048576.0 AS"
    "    peak_mib, c.load_average"
    "  FROM run_trial r JOIN run USING (run_id) JOIN trial t ON t.id = r.trial JOIN cost c USING (trial_id);",
    NULL,
};

static const char *const migration_2[] = {
    "CREATE TABLE run_slice (" // value: NULL in the row of the gap between an attribute's groups
    "  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, position INTEGER NOT NULL, model TEXT NOT NULL,"
    "  task TEXT NOT NULL, setting TEXT, role TEXT NOT NULL, attribute TEXT NOT NULL, value TEXT, metric TEXT NOT NULL,"
    "  name TEXT NOT NULL, estimate REAL, lo REAL, hi REAL, level REAL, method TEXT NOT NULL, n INTEGER NOT NULL,"
    "  direction INTEGER NOT NULL, lowest REAL, highest REAL, n_without INTEGER NOT NULL, difference REAL,"
    "  difference_lo REAL, difference_hi REAL, p REAL, p_adjusted REAL, is_worst INTEGER NOT NULL,"
    "  PRIMARY KEY (run_id, position)) STRICT, WITHOUT ROWID;",
    "CREATE VIEW v_run_slices AS"
    "  SELECT run.id AS run, s.model, s.task, s.setting, s.role, s.attribute, s.value, s.name AS score, s.estimate,"
    "    s.lo, s.hi, s.n, s.difference, s.difference_lo, s.difference_hi, s.p, s.p_adjusted, s.is_worst"
    "  FROM run_slice s JOIN run USING (run_id) ORDER BY run.run_id, s.position;",
    NULL,
};

static const char *const migration_3[] = {
    "CREATE TABLE explanation (" // what an output hangs on: JSON, as results/explained.h has it
    "  trial_id INTEGER NOT NULL REFERENCES trial ON DELETE CASCADE, ordinal INTEGER NOT NULL, text TEXT NOT NULL,"
    "  PRIMARY KEY (trial_id, ordinal)) STRICT, WITHOUT ROWID;",
    NULL,
};

static const char *const *const migrations[] = {migration_1, migration_2, migration_3};

int store_schema_version(void)
{
    return (int)(sizeof migrations / sizeof *migrations);
}

const char *const *store_migration(int version)
{
    return version < 1 || version > store_schema_version() ? NULL : migrations[version - 1];
}
