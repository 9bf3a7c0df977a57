// tools/commands.h: the rows that commands.c lists, one a file. Internal to tools/.
#ifndef ASSAY_TOOLS_COMMANDS_H
#define ASSAY_TOOLS_COMMANDS_H

#include "tools/command.h"

extern const Command command_bench, command_compare, command_export, command_report, command_show,
    command_help, command_completion, command_predict, command_tokenize, command_tune;

#endif
