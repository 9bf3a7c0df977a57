// tools/commands.h: the rows that commands.c lists, one a file. Internal to tools/.
#ifndef ASSAY_TOOLS_COMMANDS_H
#define ASSAY_TOOLS_COMMANDS_H

#include "tools/command.h"

extern const Command command_bench, command_compare, command_completion, command_doctor,
    command_export, command_help, command_init, command_inspect, command_list, command_predict,
    command_quantize, command_report, command_run, command_scan, command_score, command_show,
    command_tokenize, command_tune;

#endif
