// harness/state.h: what a run keeps beside its store while trials are under way: STORE.state/.
//
//     lock               held as long as a run uses the store: a second one is refused
// KEY is that of a trial's tuning, which trials share that differ in what is done with the tuned model; ID a trial's own.
//     KEY.checkpoint      a trial's full training state (models/training/train.h)
//     KEY.curves         its steps and evaluations so far, appended one by one
//     KEY.rung           the state a trial of a rung of halving ended with, and KEY.rung-curves
//     KEY.weights        the weights of a tuned trial that may still win its outer fold, or that others share
//     KEY.learnt         its curves and kept step, for those
//     ID.outcome         a finished trial on its way from a worker to the process that stores
//     tokenizer-M-T/     of a fresh encoder
// The folder goes when a run ends with nothing left to do.
#ifndef ASSAY_HARNESS_STATE_H
#define ASSAY_HARNESS_STATE_H

#include <stdio.h>

#include "harness/outcome.h"
#include "models/model.h"

typedef struct StateDirectory {
    char *path; // owned
    int lock;   // -1 = none
} StateDirectory;

// store_path ":memory:" gets a folder among the temporary files. STATUS_IO where another run holds the lock.
Status state_open(const char *store_path, StateDirectory *out, Error *err) MUST_CHECK;
// Removes the folder and all in it where nothing will be resumed; then gives back the lock. A no-op on a zeroed one.
void state_close(StateDirectory *state, bool remove_all);

enum { STATE_PATH_SIZE = 4096 };
// "STATE/ID.KIND". STATUS_INVALID where it would be too long.
Status state_file(const char *directory, Slice id, const char *kind, char out[STATE_PATH_SIZE],
                  Error *err) MUST_CHECK;
// Removes a trial's files of that kind; absent ones do not matter.
void state_remove(const char *directory, Slice id, const char *kind);

// ---- rungs of halving ----

// The trial's checkpoint and curves stand by for the next rung.
Status state_keep_rung(const char *directory, Slice id, Error *err) MUST_CHECK;
// Makes them the checkpoint and curves of trial id. Does nothing where they are not there, or cannot be copied: then the
// trial begins anew, and comes to the same.
void state_take_rung(const char *directory, Slice rung_id, Slice id);
void state_drop_rung(const char *directory, Slice id);

// ---- curves that survive a kill ----

typedef struct Journal Journal;
// Opens ID.curves: what it holds goes into curves. A torn last record (from a kill within a write) is dropped.
Status journal_open(const char *directory, Slice id, Curves *curves, Journal **out,
                    Error *err) MUST_CHECK;
// Appends; a failure is remembered and reported by journal_status: without its curves a trial cannot be resumed.
void journal_add_step(Journal *journal, const TrainStep *step);
void journal_add_evaluation(Journal *journal, const TrainEvaluation *evaluation);
Status journal_status(const Journal *journal, Error *err) MUST_CHECK;
void journal_close(Journal **journal);

// ---- weights of a trial ----

// All tensors of a model, with a hash. Written anew and renamed.
Status tuned_save(const Model *model, const char *path, Error *err) MUST_CHECK;
// *found is false where the file is absent, damaged or of another model: then the model may be changed in part.
Status tuned_load(Model *model, const char *path, bool *found, Error *err) MUST_CHECK;

#endif
