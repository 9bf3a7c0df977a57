// tests/tools/program.h: the built program, run as a user would, and small models for it to work on.
#ifndef ASSAY_TESTS_TOOLS_PROGRAM_H
#define ASSAY_TESTS_TOOLS_PROGRAM_H

#include "base/json.h"
#include "models/model.h"

// What a call left behind. Everything lies in the arena given.
typedef struct Program {
    int status; // exit status; 128 + number where a signal ended it
    Slice out, err;
} Program;

// Runs the program with arguments (ended by NULL) and text on standard input (NULL: none). out_path: where standard output
// goes instead of into the result; NULL = into the result; "" = closed.
Program program_run(Arena *arena, const char *input, const char *out_path,
                    const char *const *arguments);
#define RUN(arena, input, ...) \
    program_run((arena), (input), NULL, (const char *const[]){__VA_ARGS__, NULL})
// Fails the test unless the program ended with `status` and said so in one line where it failed.
void program_want(const Program *program, int status);

// The text as one JSON document, or the line-th line (from 0) of JSON Lines; fails the test where it is none. Documents are
// left to the end of the test's process.
const Json *json_of(Slice text);
const Json *json_line(Slice text, size_t line);
size_t count_lines(Slice text);
// A number, or a text, of an object by its key; fails the test where it is absent.
double number_of(const Json *object, const char *key);
Slice text_of(const Json *object, const char *key);
bool text_contains(Slice text, const char *part);

// A file of the folder with this text; gives its path, in the arena.
const char *write_file(Arena *arena, const char *folder, const char *name, const char *text);
// FOLDER/model: a BERT with random weights of a seed, with a WordPiece vocabulary trained on a few sentences by the
// program itself. Gives its path. labels: for HEAD_SEQUENCE and HEAD_TOKEN.
const char *make_model(Arena *arena, const char *folder, ModelHead head, const Slice *labels,
                       size_t n_labels);

#endif
