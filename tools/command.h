// tools/command.h: a command of the program, its options, and a command line read against them.
//
// A command is one file (tools/cmd_NAME.c) and one row of commands_all (tools/commands.c). Its option table is read by the
// parser, by --help, by the man page and by the shell completions, so that they cannot disagree.
//
//     static const Option options[] = {
//         {.name = "in", .kind = OPTION_TEXT, .value = "FILE", .fallback = "-", .help = "JSON Lines to read"},
//         {.name = "batch", .kind = OPTION_INTEGER, .value = "N", .fallback = "32", .lowest = 1, .highest = 4096, .help = ".."},
//     };
//     static Status run(CommandLine *line, Error *err)
//     {
//         const char *in = option_text(line, "in");
//         ...
//     }
//     const Command command_predict = {.name = "predict", ..., OPTIONS(options), .run = run};
//
// A command returns a Status and fills an Error; main prints "assay NAME: message" in one line on standard error and exits
// with status_exit_code. A command that worked but whose answer is no sets line->exit_code (1, 2, 3, 4) and returns
// STATUS_OK. Results go to standard output, everything else through line->log.
#ifndef ASSAY_TOOLS_COMMAND_H
#define ASSAY_TOOLS_COMMAND_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json_writer.h"
#include "base/log.h"

typedef enum OptionKind {
    OPTION_FLAG,    // --name; --no-... is a flag of its own where it is wanted
    OPTION_TEXT,    // --name VALUE
    OPTION_TEXTS,   // the same, may be given again and again
    OPTION_INTEGER, // checked against lowest and highest
    OPTION_REAL,
    OPTION_CHOICE, // one of choices
} OptionKind;

typedef struct Option {
    const char *name;        // "learning-rate"
    char short_name;         // 'q' for -q; 0 = none
    const char *const *also; // further spellings as typed, ended by NULL: see ALSO; NULL = none
    bool takes_many;         // OPTION_TEXTS: all arguments up to the next option
    OptionKind kind;
    const char *
        value; // what stands for the value in help: "N", "NAME=PATH"; FILE and DIR complete as paths
    const char *help;           // one sentence without a full stop
    const char *fallback;       // the default as a user would type it, shown in help; NULL = none
    const char *const *choices; // of OPTION_CHOICE, ended by NULL
    double lowest, highest;     // of numbers, both included; both 0 = any
} Option;

// .also of an Option, for spellings that short_name cannot have: ALSO("-tok").
#define ALSO(...)                 \
    .also = (const char *const[]) \
    {                             \
        __VA_ARGS__, NULL         \
    }

typedef struct Command Command;
typedef struct CommandLine CommandLine;

struct Command {
    const char *name;     // "predict"
    const char *group;    // heading under which `assay --help` lists it: see command_groups
    const char *summary;  // one line, no full stop
    const char *operands; // "MODEL [FILE...]"; "" = none
    size_t min_operands, max_operands; // SIZE_MAX = any number
    const char *const
        *operand_choices;    // words that may stand first, for completion; NULL-ended; NULL = files
    const char *description; // paragraphs parted by "\n\n", for --help and the man page
    const Option *options;
    size_t n_options;
    const char *examples; // lines "command  # what it does", no newline after the last; NULL = none
    Status (*run)(CommandLine *line, Error *err);
};

// .options and .n_options of a Command from an array.
#define OPTIONS(array) .options = (array), .n_options = sizeof(array) / sizeof *(array)

// Options that every command has: --json, --quiet, --verbose, --no-color, --help, --version.
extern const Option global_options[];
extern const size_t n_global_options;

// The groups in the order of `assay --help`, ended by NULL.
extern const char *const command_groups[];
// In the order people see.
extern const Command *const commands_all[];
extern const size_t n_commands;
const Command *command_find(const char *name); // NULL where there is none

// An option as given, or its default.
typedef struct OptionValue {
    bool is_given;
    const char *text; // the last one given, or the default; NULL without either
    const char **texts;
    size_t n_texts, capacity; // of OPTION_TEXTS
    int64_t integer;
    double real;
    size_t choice;
} OptionValue;

enum { COMMAND_MAX_OPTIONS = 96 };

struct CommandLine {
    const Command *command;                   // NULL before a command's name was met
    Arena arena;                              // for the whole command: freed by main
    OptionValue values[COMMAND_MAX_OPTIONS];  // of command->options
    OptionValue globals[COMMAND_MAX_OPTIONS]; // of global_options
    const char **operands;
    size_t n_operands;
    int argc; // as the program was called, for manifests
    const char *const *argv;
    bool is_json;  // --json
    Log *log;      // to standard error, at the level that --quiet and --verbose ask for
    int exit_code; // what to exit with after STATUS_OK
};

// Reads the arguments after the program's name. line is zeroed but for log. Global options may stand before the command.
// "--help" and "--version" stop the check for missing operands. STATUS_INVALID with the nearest known name for what is
// unknown. `--x=v`, `--x v`, `-x v`, `-xv`, `-abc`, `--` and what a
// table has as `also` are understood; given again, the last one counts.
Status command_line_parse(CommandLine *line, int argc, const char *const *argv,
                          Error *err) MUST_CHECK;
void command_line_release(CommandLine *line);
// The first operand is none of the command's operand_choices: STATUS_INVALID, which lists them.
Status command_refuse_operand(const CommandLine *line, Error *err);

// The value of an option of this command (or a global one) by name; asking for one that is not in the table, or as another
// kind, is our own mistake (asserted).
bool option_given(const CommandLine *line, const char *name); // on the command line, not by default
bool option_flag(const CommandLine *line, const char *name);
// NULL without value and default; of a choice its name, as written.
const char *option_text(const CommandLine *line, const char *name);
size_t option_texts(const CommandLine *line, const char *name, const char *const **texts);
int64_t option_integer(const CommandLine *line, const char *name); // 0 without value and default
double option_real(const CommandLine *line, const char *name);
size_t option_choice(const CommandLine *line,
                     const char *name); // index into choices; SIZE_MAX without

// ---- what commands share (command_output.c) ----

// Writes to standard output; a failure (a full disk, a closed pipe) is STATUS_IO.
Status output_write(Slice bytes, Error *err) MUST_CHECK;
// Writes buffer (after checking it) and releases it.
Status output_buffer(Buffer *buffer, Error *err) MUST_CHECK;
// Appends text from a file or another stranger for a terminal: control characters as \xNN.
void output_escaped(Buffer *out, Slice text);
// Flushes standard output and reports what failed on it at any time.
Status output_finish(Error *err) MUST_CHECK;
// Whether writing failed because the reader at the other end of a pipe went away (`assay list kernels | head`).
bool output_is_abandoned(void);

// ---- Ctrl-C (interrupt.c) ----

// From the first call on, the first SIGINT or SIGTERM sets the flag (pass it as `cancel`), a second one ends the program at
// once. A command whose work was stopped returns STATUS_CANCELLED; main then raises the signal again.
const atomic_int *interrupt_flag(void);
// Ends the program by the signal that came, as a shell expects; returns where none came.
void interrupt_raise(void);

// ---- help (command_help.c), man page (command_man.c), completion (command_complete.c) ----

// A paragraph with line breaks of its own is a list: each item is a line "  NAME  WHAT IT IS", and what is indented further goes on.
// The next item, in one line; false at the end. *second: where its second column begins; 0 = it has none.
bool help_list_item(Slice *lines, Buffer *item, size_t *second);
void help_program(Buffer *out);
void help_command(const Command *command, Buffer *out);
void man_page(Buffer *out); // roff
// shell: "bash", "zsh" or "fish"; false for another.
bool completion_script(const char *shell, Buffer *out);

// From git when it was built, else the project's version: "0.1.0-12-g1f3a9c0" (version.c).
const char *version_text(void);

#endif
