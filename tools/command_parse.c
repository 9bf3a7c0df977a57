#include "tools/command.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/name_list.h"

enum { MAX_NAMES = 2 * COMMAND_MAX_OPTIONS, MAX_SPELLINGS = 2 * MAX_NAMES };

// The arguments still to be read.
typedef struct Arguments {
    const char *const *argv;
    int argc, at;
    bool is_literal; // after "--"
} Arguments;

static const Option *find_named(const Option *options, size_t n, Slice name, size_t *index)
{
    for (size_t i = 0; i < n; i++) {
        if (!slice_eq_cstr(name, options[i].name)) continue;
        *index = i;
        return &options[i];
    }
    return NULL;
}

static const Option *find_short(const Option *options, size_t n, char name, size_t *index)
{
    for (size_t i = 0; i < n; i++) {
        if (options[i].short_name != name) continue;
        *index = i;
        return &options[i];
    }
    return NULL;
}

// By one of its further spellings, hyphen included.
static const Option *find_also(const Option *options, size_t n, Slice text, size_t *index)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; options[i].also && options[i].also[k]; k++) {
            if (!slice_eq_cstr(text, options[i].also[k])) continue;
            *index = i;
            return &options[i];
        }
    }
    return NULL;
}

static const char *nearest_option(const CommandLine *line, Slice name)
{
    const char *known[MAX_NAMES];
    size_t n = 0;
    const Command *command = line->command;
    for (size_t i = 0; command && i < command->n_options; i++)
        known[n++] = command->options[i].name;
    for (size_t i = 0; i < n_global_options; i++) known[n++] = global_options[i].name;
    return nearest_name(name, known, n);
}

static Status unknown_option(const CommandLine *line, Slice name, Error *err)
{
    const char *near = nearest_option(line, name);
    const char *command = line->command ? line->command->name : NULL;
    if (near) {
        return error_set(err, STATUS_INVALID,
                         "there is no option --" SLICE_FMT "; did you mean --%s?", SLICE_ARG(name),
                         near);
    }
    return error_set(err, STATUS_INVALID,
                     "there is no option --" SLICE_FMT "; assay %s%s--help lists those there are",
                     SLICE_ARG(name), command ? command : "", command ? " " : "");
}

static Status check_range(const Option *option, const char *text, double value, Error *err)
{
    const bool has_range = option->lowest != 0 || option->highest != 0;
    if (!has_range || (value >= option->lowest && value <= option->highest)) return STATUS_OK;
    const int digits = option->kind == OPTION_INTEGER ? 17 : 15; // integers stand written out
    return error_set(err, STATUS_INVALID, "--%s %s: allowed are %.*g to %.*g", option->name, text,
                     digits, option->lowest, digits, option->highest);
}

// A word that is none of the choices, as the value of `what`.
static Status refuse_word(const char *what, const char *text, const char *const *choices,
                          Error *err)
{
    NameList list = {0};
    size_t n = 0;
    for (; choices[n]; n++) name_list_add_cstr(&list, choices[n]);
    const char *near = nearest_name(slice_from_cstr(text), choices, n);
    return error_set(err, STATUS_INVALID, "%s %s: known are %s%s%s%s", what, text, list.text,
                     near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static Status take_choice(const Option *option, const char *text, size_t *out, Error *err)
{
    char what[64];
    for (size_t i = 0; option->choices[i]; i++) {
        *out = i;
        if (strcmp(text, option->choices[i]) == 0) return STATUS_OK;
    }
    snprintf(what, sizeof what, "--%s", option->name);
    return refuse_word(what, text, option->choices, err);
}

static Status add_text(Arena *arena, OptionValue *value, const char *text, Error *err)
{
    TRY(arena_make_room(arena, value->n_texts, &value->capacity, sizeof *value->texts,
                        "an option's values", &value->texts, err));
    value->texts[value->n_texts++] = text;
    return STATUS_OK;
}

static bool is_path(const Option *option)
{
    return option->value && (strstr(option->value, "FILE") || strstr(option->value, "DIR"));
}

// Reads the text of one value.
static Status take_value(Arena *arena, const Option *option, const char *text, OptionValue *value,
                         Error *err)
{
    value->text = text;
    if (is_path(option) && text[0] == '\0') // of a variable of the shell that was never set
        return error_set(err, STATUS_INVALID, "--%s '': %s wants a name", option->name,
                         option->value);
    switch (option->kind) {
    case OPTION_FLAG:
    case OPTION_TEXT:
        return STATUS_OK;
    case OPTION_TEXTS:
        return add_text(arena, value, text, err);
    case OPTION_INTEGER:
        if (!slice_to_i64(slice_from_cstr(text), &value->integer)) {
            return error_set(err, STATUS_INVALID, "--%s %s: an integer is wanted", option->name,
                             text);
        }
        return check_range(option, text, (double)value->integer, err);
    case OPTION_REAL:
        if (!slice_to_double(slice_from_cstr(text), &value->real)) {
            return error_set(err, STATUS_INVALID, "--%s %s: a number is wanted, such as 3e-5",
                             option->name, text);
        }
        return check_range(option, text, value->real, err);
    case OPTION_CHOICE:
        return take_choice(option, text, &value->choice, err);
    }
    return error_set(err, STATUS_INTERNAL, "--%s has no kind", option->name);
}

static bool is_dashed(const char *text)
{
    return text[0] == '-' && text[1] != '\0';
}

// The value that belongs to an option: attached, or the next argument, or all those up to the next option.
static Status take_option(CommandLine *line, Arguments *args, const Option *option,
                          OptionValue *value, const char *attached, Error *err)
{
    value->is_given = true;
    if (option->kind == OPTION_FLAG) {
        if (!attached) return STATUS_OK;
        return error_set(err, STATUS_INVALID, "--%s takes no value, but '%s' was given",
                         option->name, attached);
    }
    if (!attached) {
        if (args->at >= args->argc) {
            return error_set(err, STATUS_INVALID, "--%s wants a value: --%s %s", option->name,
                             option->name, option->value);
        }
        TRY(take_value(&line->arena, option, args->argv[args->at++], value, err));
        while (option->takes_many && args->at < args->argc && !is_dashed(args->argv[args->at])) {
            TRY(take_value(&line->arena, option, args->argv[args->at++], value, err));
        }
        return STATUS_OK;
    }
    return take_value(&line->arena, option, attached, value, err);
}

static Status take_long(CommandLine *line, Arguments *args, const char *text, Error *err)
{
    const char *equals = strchr(text, '=');
    const Slice name = {text, equals ? (size_t)(equals - text) : strlen(text)};
    const char *attached = equals ? equals + 1 : NULL;
    const Command *command = line->command;
    size_t i = 0;
    const Option *option =
        command ? find_named(command->options, command->n_options, name, &i) : NULL;
    if (option) return take_option(line, args, option, &line->values[i], attached, err);
    option = find_named(global_options, n_global_options, name, &i);
    if (option) return take_option(line, args, option, &line->globals[i], attached, err);
    return unknown_option(line, name, err);
}

// A further spelling, as in "-tok 13a". is_known is false where there is none; then nothing was taken.
static Status take_also(CommandLine *line, Arguments *args, const char *text, bool *is_known,
                        Error *err)
{
    const char *equals = strchr(text, '=');
    const Slice name = {text, equals ? (size_t)(equals - text) : strlen(text)};
    const char *attached = equals ? equals + 1 : NULL;
    const Command *command = line->command;
    size_t i = 0;
    OptionValue *values = line->values;
    const Option *option =
        command ? find_also(command->options, command->n_options, name, &i) : NULL;
    if (!option) {
        values = line->globals;
        option = find_also(global_options, n_global_options, name, &i);
    }
    *is_known = option != NULL;
    return option ? take_option(line, args, option, &values[i], attached, err) : STATUS_OK;
}

// What may stand behind one hyphen, and names that want two.
static size_t add_spellings(const Option *options, size_t n, const char **known, size_t n_known)
{
    for (size_t i = 0; i < n; i++) {
        if (n_known < MAX_SPELLINGS) known[n_known++] = options[i].name;
        for (size_t k = 0; options[i].also && options[i].also[k]; k++) {
            if (n_known < MAX_SPELLINGS) known[n_known++] = options[i].also[k] + 1;
        }
    }
    return n_known;
}

static bool is_long_name(const CommandLine *line, Slice name)
{
    const Command *command = line->command;
    size_t i = 0;
    return find_named(global_options, n_global_options, name, &i) ||
           (command && find_named(command->options, command->n_options, name, &i));
}

// text is the argument without its hyphen, and bad the letter of it that is no option: for "-tokk", -tok was meant.
static Status unknown_short(const CommandLine *line, const char *text, char bad, Error *err)
{
    const char *known[MAX_SPELLINGS];
    const Command *command = line->command;
    const Slice name = {text, strcspn(text, "=")};
    size_t n = command ? add_spellings(command->options, command->n_options, known, 0) : 0;
    n = add_spellings(global_options, n_global_options, known, n);
    const char *near = name.len > 1 ? nearest_name(name, known, n) : NULL;
    if (near) {
        return error_set(err, STATUS_INVALID,
                         "there is no option -" SLICE_FMT "; did you mean %s%s?", SLICE_ARG(name),
                         is_long_name(line, slice_from_cstr(near)) ? "--" : "-", near);
    }
    return error_set(err, STATUS_INVALID, "there is no option -%c%s%s; --help lists them", bad,
                     name.len > 1 ? " in -" : "", name.len > 1 ? text : "");
}

// One argument of short options: "-q", "-qv", "-oFILE", "-o FILE".
static Status take_short(CommandLine *line, Arguments *args, const char *text, Error *err)
{
    const Command *command = line->command;
    const Slice word = {text, strcspn(text, "=")};
    if (word.len > 1 && is_long_name(line, word))
        return unknown_short(line, text, *text, err); // "-seed" is not -s
    for (const char *at = text; *at; at++) {
        size_t i = 0;
        OptionValue *values = line->values;
        const Option *option =
            command ? find_short(command->options, command->n_options, *at, &i) : NULL;
        if (!option) {
            values = line->globals;
            option = find_short(global_options, n_global_options, *at, &i);
        }
        if (!option) {
            return unknown_short(line, text, *at, err);
        }
        const bool takes_rest = option->kind != OPTION_FLAG && at[1] != '\0';
        TRY(take_option(line, args, option, &values[i], takes_rest ? at + 1 : NULL, err));
        if (takes_rest) break;
    }
    return STATUS_OK;
}

static Status take_command(CommandLine *line, const char *name, Error *err)
{
    line->command = command_find(name);
    if (line->command) return STATUS_OK;
    const char *known[MAX_NAMES];
    size_t n = 0;
    for (; n < n_commands && n < MAX_NAMES; n++) known[n] = commands_all[n]->name;
    const char *near = nearest_name(slice_from_cstr(name), known, n);
    return error_set(err, STATUS_INVALID, "there is no command '%s'; %s%s%s", name,
                     near ? "did you mean '" : "assay --help lists those there are",
                     near ? near : "", near ? "'?" : "");
}

static Status fill_defaults(CommandLine *line, const Option *options, size_t n, OptionValue *values,
                            Error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (options[i].kind == OPTION_CHOICE && !values[i].is_given) values[i].choice = SIZE_MAX;
        if (values[i].is_given || !options[i].fallback) continue;
        TRY(take_value(&line->arena, &options[i], options[i].fallback, &values[i], err));
    }
    return STATUS_OK;
}

Status command_refuse_operand(const CommandLine *line, Error *err)
{
    const Command *command = line->command;
    char what[64];
    snprintf(what, sizeof what, "%.*s", (int)strcspn(command->operands, " "), command->operands);
    return refuse_word(what, line->operands[0], command->operand_choices, err);
}

static Status missing_operand(const CommandLine *line, Error *err)
{
    const Command *command = line->command;
    const char *missing = command->operands;
    NameList words = {.most = 16};
    for (size_t n = 0; n < line->n_operands; n++)
        missing += strcspn(missing, " ") + 1; // there are as many words as are wanted
    const bool has_words = line->n_operands == 0 && command->operand_choices;
    for (size_t i = 0; has_words && command->operand_choices[i]; i++)
        name_list_add_cstr(&words, command->operand_choices[i]);
    return error_set(err, STATUS_INVALID,
                     "%.*s is missing%s%s: assay %s %s; assay %s --help says more",
                     (int)strcspn(missing, " ."), missing, has_words ? ", one of " : "", words.text,
                     command->name, command->operands, command->name);
}

static Status check_operands(const CommandLine *line, Error *err)
{
    const Command *command = line->command;
    if (!command || option_flag(line, "help") || option_flag(line, "version")) return STATUS_OK;
    if (line->n_operands < command->min_operands) return missing_operand(line, err);
    if (line->n_operands > command->max_operands) {
        return error_set(err, STATUS_INVALID, "'%s' is one argument too many: assay %s%s%s",
                         line->operands[command->max_operands], command->name,
                         command->operands[0] ? " " : "", command->operands);
    }
    return STATUS_OK;
}

// One argument: an option, the command's name or an operand.
static Status take_argument(CommandLine *line, Arguments *args, Error *err)
{
    const char *text = args->argv[args->at++];
    const bool is_option = !args->is_literal && is_dashed(text);
    bool is_known = false;
    if (is_option && strcmp(text, "--") == 0) {
        args->is_literal = true;
        return STATUS_OK;
    }
    if (is_option && text[1] == '-') return take_long(line, args, text + 2, err);
    if (is_option) TRY(take_also(line, args, text, &is_known, err));
    if (is_known) return STATUS_OK;
    if (is_option) return take_short(line, args, text + 1, err);
    if (!line->command) return take_command(line, text, err);
    line->operands[line->n_operands++] = text;
    return STATUS_OK;
}

Status command_line_parse(CommandLine *line, int argc, const char *const *argv, Error *err)
{
    Arguments args = {.argv = argv, .argc = argc, .at = 1};
    line->argc = argc;
    line->argv = argv;
    TRY(arena_take(&line->arena, (size_t)argc + 1, sizeof *line->operands, "the arguments",
                   (void *)&line->operands, err));
    while (args.at < argc) TRY(take_argument(line, &args, err));
    TRY(fill_defaults(line, global_options, n_global_options, line->globals, err));
    if (line->command) {
        TRY(fill_defaults(line, line->command->options, line->command->n_options, line->values,
                          err));
    }
    line->is_json = option_flag(line, "json");
    return check_operands(line, err);
}

void command_line_release(CommandLine *line)
{
    arena_release(&line->arena);
    *line = (CommandLine){.log = line->log};
}

// The value of a named option; kind is what the caller takes it for.
static const OptionValue *value_of(const CommandLine *line, const char *name, OptionKind kind)
{
    const Slice text = slice_from_cstr(name);
    const Command *command = line->command;
    size_t i = 0;
    const OptionValue *values = line->values;
    const Option *option =
        command ? find_named(command->options, command->n_options, text, &i) : NULL;
    if (!option) {
        values = line->globals;
        option = find_named(global_options, n_global_options, text, &i);
    }
    static const OptionValue none = {.choice = SIZE_MAX};
    // A name that is not in the table is our mistake. What was written can be had of a choice too.
    assert(option &&
           (option->kind == kind || (int)(kind == OPTION_TEXT && option->kind == OPTION_CHOICE)));
    (void)kind;
    return option ? &values[i] : &none;
}

bool option_given(const CommandLine *line, const char *name)
{
    const Slice text = slice_from_cstr(name);
    size_t i = 0;
    if (line->command && find_named(line->command->options, line->command->n_options, text, &i)) {
        return line->values[i].is_given;
    }
    return find_named(global_options, n_global_options, text, &i) && line->globals[i].is_given;
}

bool option_flag(const CommandLine *line, const char *name)
{
    return value_of(line, name, OPTION_FLAG)->is_given;
}

const char *option_text(const CommandLine *line, const char *name)
{
    return value_of(line, name, OPTION_TEXT)->text;
}

size_t option_texts(const CommandLine *line, const char *name, const char *const **texts)
{
    const OptionValue *value = value_of(line, name, OPTION_TEXTS);
    *texts = value->texts;
    return value->n_texts;
}

int64_t option_integer(const CommandLine *line, const char *name)
{
    return value_of(line, name, OPTION_INTEGER)->integer;
}

double option_real(const CommandLine *line, const char *name)
{
    return value_of(line, name, OPTION_REAL)->real;
}

size_t option_choice(const CommandLine *line, const char *name)
{
    return value_of(line, name, OPTION_CHOICE)->choice;
}
