// harness/note.h: the note beside a tuned model, assay.json: what answers as they were scored want besides its weights.
//
//     prepare          steps that texts went through, in order
//     max_length       tokens of a sequence in tuning
//     doc_stride, max_answer, null_threshold     of questions about passages; the last where some have no answer
//     decode           of tags: "valid"
//     threshold        of several labels at once: the probability from which one holds
// and, for people and for runs that find it there, the suite, task, setting and trial that made the model.
#ifndef ASSAY_HARNESS_NOTE_H
#define ASSAY_HARNESS_NOTE_H

#include "base/json_writer.h"
#include "datasets/steps.h"

typedef struct ModelNote {
    Slice family;       // that the model was tuned for; empty = there is no note, or an older one
    const Step **steps; // [n_steps]
    size_t n_steps;
    size_t max_length;             // 0 = not said
    size_t doc_stride, max_answer; // max_answer 0 = not said
    bool has_null_threshold;       // some questions have no answer
    double null_threshold;
    Slice decode;       // empty = not said
    bool has_threshold; // of several labels at once
    double threshold;
} ModelNote;

extern const char note_name[]; // "assay.json"

// The note in a model's directory, or the copy in a GGUF file; zeroed where there is none. Texts lie in the arena.
// STATUS_INVALID, with the place, where it cannot be read.
Status note_read(const char *model, Arena *arena, ModelNote *out, Error *err) MUST_CHECK;
// Whether answers hang on anything that the note says.
bool note_says_anything(const ModelNote *note);
// Members of an object that is open, sorted by their keys.
void note_put(const ModelNote *note, JsonWriter *w);
// Writes the note of a model that no suite made.
Status note_write(const ModelNote *note, const char *directory, Arena *arena,
                  Error *err) MUST_CHECK;

// Removes the note of another model that stood in a directory.
Status note_remove(const char *directory, Arena *arena, Error *err) MUST_CHECK;

#endif
