// models/program/program_memory.h: where a worker's memory has the buffers of a program, the arrays of a unit and the angles of its
// rotary embeddings; between program_memory.c, which lays them out, and program_bind.c, which fills them.
#ifndef ASSAY_MODELS_PROGRAM_MEMORY_H
#define ASSAY_MODELS_PROGRAM_MEMORY_H

#include "models/program/program.h"

// Words (32 bits) of the arrays of a unit, each at a multiple of 64 bytes.
enum {
    STAGED_IDS,
    STAGED_POSITIONS,
    STAGED_TYPES,
    STAGED_ROWS,
    STAGED_OFFSETS,
    STAGED_FIRST,
    STAGED_CHOSEN,
    STAGED_CHOSEN_POSITIONS,
    STAGED_KEYS,
    STAGED_OUTPUTS,
    STAGED_OUTPUT_OFFSETS,
    STAGED_OUTPUT_POSITIONS,
    STAGED_KEY_OFFSETS,
    STAGED_TARGET_IDS,
    STAGED_TARGET_POSITIONS,
    STAGED_TARGET_OFFSETS,
    STAGED_RELATIVE,
    STAGED_RELATIVE_BATCH,
    STAGED_COUNT
};

enum { STAGED_BATCH_WORDS = 4 }; // offsets of one sequence, and its key

size_t program_staged_words(int which, const Extent *extent);
// Where an array begins behind the buffers; all of them where `which` is STAGED_COUNT.
size_t program_staged_begin(int which, const Extent *extent);
// Where the angles of an entry of Program.angles begin; all of them where `which` is their number.
size_t program_angles_begin(const Program *program, size_t which, const Extent *extent);

// Room for a unit of this extent, and the place of each buffer. Buffers lie side by side whatever units came before: so no more
// pages are touched than the unit has values.
Status program_make_room(WorkerMemory *memory, const Program *program, Exec *exec, Extent extent,
                         Error *err) MUST_CHECK;

#endif
