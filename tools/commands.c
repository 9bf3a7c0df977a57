// The table of commands, and the options that every command has.
#include <string.h>

#include "tools/commands.h"

const char *const command_groups[] = {"Evaluate", "Models", "Results", "About", NULL};

const Command *const commands_all[] = {
    &command_run,      &command_init,    &command_scan,       &command_compare, &command_report,
    &command_score,    &command_show,    &command_export,     &command_tune,    &command_predict,
    &command_tokenize, &command_inspect, &command_quantize,   &command_bench,   &command_list,
    &command_doctor,   &command_help,    &command_completion,
};
const size_t n_commands = sizeof commands_all / sizeof *commands_all;

const Option global_options[] = {
    {.name = "json",
     .kind = OPTION_FLAG,
     .help = "one JSON document on standard output instead of text for people"},
    {.name = "quiet",
     .short_name = 'q',
     .kind = OPTION_FLAG,
     .help = "only warnings and errors, no progress"},
    {.name = "verbose", .short_name = 'v', .kind = OPTION_FLAG, .help = "more about what is done"},
    {.name = "no-color",
     ALSO("-nc"),
     .kind = OPTION_FLAG,
     .help = "no colours, as with NO_COLOR in the environment"},
    {.name = "help",
     .short_name = 'h',
     .kind = OPTION_FLAG,
     .help = "what a command does and its options"},
    {.name = "version", .short_name = 'V', .kind = OPTION_FLAG, .help = "the program's version"},
    {.name = "man",
     .kind = OPTION_FLAG,
     .help = "the manual page, in roff: assay --man | man -l -"},
};
const size_t n_global_options = sizeof global_options / sizeof *global_options;

const Command *command_find(const char *name)
{
    for (size_t i = 0; i < n_commands; i++) {
        if (strcmp(commands_all[i]->name, name) == 0) return commands_all[i];
    }
    return NULL;
}
