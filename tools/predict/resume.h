// tools/predict/resume.h: a run of `assay predict` that was stopped, gone on with by the next one.
//
// While answers are written to FILE.partial, FILE.partial.log beside it tells what they answer, in JSON Lines: first who
// answers ({"program", "machine", "model", "options"}), then step by step how many answers were written and the SHA-256 of
// them and of their input ({"answers", "failed", "bytes", "input", "output"}). A later run keeps the answers of those steps
// whose input it reads too and whose output still stands there, and answers what comes after them. As an answer hangs on
// its line alone, the file is then, byte for byte, that of a run that was not disturbed.
//
// What cannot be gone on with (of another model, other options, another program, another input) is put aside, never
// dropped, and the log of messages says why. --threads, --batch and --out change no answer, and may differ.
#ifndef ASSAY_TOOLS_PREDICT_RESUME_H
#define ASSAY_TOOLS_PREDICT_RESUME_H

#include "base/file.h"
#include "tools/jsonl.h"

typedef struct ResumeLine {
    size_t number; // from 1, blank ones counted
    Slice text;
} ResumeLine;

typedef struct ResumeStep {
    uint64_t n_answers, n_failed, n_bytes;
    Slice input, output; // SHA-256 in hex, the first as ResumeAnswer has it
} ResumeStep;

// An answer since the last step.
typedef struct ResumeAnswer {
    unsigned char input
        [32]; // SHA-256 of that of the answer before (zeros), and of number and text of its line
    size_t n_failed; // answers of this run that failed before it
} ResumeAnswer;

typedef struct Resume {
    bool is_on; // else lines are handed on, and nothing is kept
    LineReader *in;
    JsonlOut *out;
    Log *log;
    Slice identity; // the log's first line
    const char *partial, *log_path;
    int log_fd, partial_fd;
    ResumeStep *steps; // of the run before, whose output still stands
    size_t n_steps, steps_capacity;
    ResumeStep done;       // all steps that stand in the log, added up; without hashes
    ResumeAnswer *answers; // since
    size_t n_answers, answers_capacity;
    size_t n_read_bytes; // since
    int64_t step_ns;     // when the last of them was written; 0 = none was
    ResumeLine *waiting; // lines that were read, but are none of a step
    size_t n_waiting, waiting_capacity, next;
    Arena lines, since, arena; // those lie in `lines`, answers in `since`
} Resume;

// Fills *out, of an output that jsonl_out_resume has opened; one that cannot be gone on with leaves is_on false.
Status resume_open(const CommandLine *line, LineReader *in, JsonlOut *to, Resume *out,
                   Error *err) MUST_CHECK;
// Passes over what the run before has answered, and cuts its output behind that.
Status resume_replay(Resume *resume, Error *err) MUST_CHECK;
// The next line that is not blank; *more is false at the end. Its text stays until the next call.
Status resume_next(Resume *resume, ResumeLine *line, bool *more, Error *err) MUST_CHECK;
// Before a line's answer is put into the output: they come in the order of the lines.
Status resume_answer(Resume *resume, const ResumeLine *line, Error *err) MUST_CHECK;
// All lines that were read are answered, and the answers handed on (jsonl_out_flush).
Status resume_chunk_done(Resume *resume, Error *err) MUST_CHECK;
// The work has failed: of what was written last, whole answers are made a step. Before jsonl_out_keep.
void resume_stop(Resume *resume);
// Releases everything, and removes the log where there is nothing to go on with. A no-op on a zeroed one.
void resume_end(Resume *resume);

#endif
