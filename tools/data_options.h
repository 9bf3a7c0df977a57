// tools/data_options.h: the options of commands that read a data set: which columns, which format.
#ifndef ASSAY_TOOLS_DATA_OPTIONS_H
#define ASSAY_TOOLS_DATA_OPTIONS_H

#include "datasets/reader.h"
#include "tools/command.h"

extern const char *const header_choices[];      // "auto", "yes", "no"
extern const char *const encoding_choices[];    // "utf-8", "latin1", "windows-1252"
extern const char *const empty_sides_choices[]; // "refuse", "drop", "keep"
extern const char *const bad_answers_choices[]; // "refuse", "drop", "relocate"

// Rows for a command's table: where texts are to be found, which every command that reads data has.
#define DATA_OPTION_TEXT_ROWS                                                                     \
    {.name = "format",                                                                            \
     .kind = OPTION_TEXT,                                                                         \
     .value = "NAME",                                                                             \
     .help = "format of data files (assay list readers); without it, by the file's extension"},   \
        {.name = "text",                                                                          \
         .kind = OPTION_TEXT,                                                                     \
         .value = "COLUMN",                                                                       \
         .help = "column of the text: a heading, a key, or a number from 1"},                     \
        {.name = "pair",                                                                          \
         .kind = OPTION_TEXT,                                                                     \
         .value = "COLUMN",                                                                       \
         .help = "column of a second text; '' where a column looks like one but is none"},        \
        {.name = "label", .kind = OPTION_TEXT, .value = "COLUMN", .help = "column of the label"}, \
        {.name = "id-column", .kind = OPTION_TEXT, .value = "COLUMN", .help = "column of ids"},   \
        {.name = "header",                                                                        \
         .kind = OPTION_CHOICE,                                                                   \
         .value = "WHEN",                                                                         \
         .fallback = "auto",                                                                      \
         .choices = header_choices,                                                               \
         .help = "whether the first row holds headings"},                                         \
        {.name = "delimiter",                                                                     \
         .kind = OPTION_TEXT,                                                                     \
         .value = "CHAR",                                                                         \
         .help = "between columns: one character, or tab, comma, space"},                         \
    {                                                                                             \
        .name = "encoding", .kind = OPTION_CHOICE, .value = "NAME", .fallback = "utf-8",          \
        .choices = encoding_choices, .help = "encoding of data files"                             \
    }

// And what those have besides that learn from it.
#define DATA_OPTION_ROWS                                                                           \
    DATA_OPTION_TEXT_ROWS,                                                                         \
        {.name = "target",                                                                         \
         .kind = OPTION_TEXT,                                                                      \
         .value = "COLUMN",                                                                        \
         .help =                                                                                   \
             "of sources with targets: column of the target; for the format parallel the ends of " \
             "the files' names, --text en --target de"},                                           \
        {.name = "empty-sides",                                                                    \
         .kind = OPTION_CHOICE,                                                                    \
         .value = "WHAT",                                                                          \
         .fallback = "refuse",                                                                     \
         .choices = empty_sides_choices,                                                           \
         .help = "what becomes of pairs with an empty side"},                                      \
        {.name = "bad-answers",                                                                    \
         .kind = OPTION_CHOICE,                                                                    \
         .value = "WHAT",                                                                          \
         .fallback = "refuse",                                                                     \
         .choices = bad_answers_choices,                                                           \
         .help = "what becomes of answers that do not stand where a file of questions says"},      \
    {                                                                                              \
        .name = "labels", .kind = OPTION_TEXTS, .value = "LABEL",                                  \
        .help = "the classes in their order; without it, those found, sorted"                      \
    }

// Where any number of labels is wanted: a --label with commas names a column of 0 and 1 for each label.
Status data_options_split_label(Arena *arena, ReadOptions *options, Error *err) MUST_CHECK;
// Of DATA_OPTION_TEXT_ROWS. Fills *out anew; it borrows from the command line.
Status data_options_read_texts(const CommandLine *line, ReadOptions *out, Error *err) MUST_CHECK;
// Of DATA_OPTION_ROWS. Fills *out; it borrows from the command line and the arena.
Status data_options_read(const CommandLine *line, Arena *arena, ReadOptions *out,
                         Error *err) MUST_CHECK;

#endif
