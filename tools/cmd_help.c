// assay help [COMMAND], assay completion SHELL: what the option tables say.
#include "tools/commands.h"

static Status run_help(CommandLine *line, Error *err)
{
    Buffer out = {0};
    if (line->n_operands == 0) {
        help_program(&out);
        return output_buffer(&out, err);
    }
    const Command *command = command_find(line->operands[0]);
    if (!command) {
        return error_set(err, STATUS_INVALID, "there is no command '%s'; assay --help lists them",
                         line->operands[0]);
    }
    help_command(command, &out);
    return output_buffer(&out, err);
}

const Command command_help = {
    .name = "help",
    .group = "About",
    .summary = "what the program, or a command, does",
    .operands = "[COMMAND]",
    .max_operands = 1,
    .description = "Without COMMAND lists the commands. assay COMMAND --help says the same.",
    .run = run_help,
};

static Status run_completion(CommandLine *line, Error *err)
{
    Buffer out = {0};
    if (!completion_script(line->operands[0], &out)) return command_refuse_operand(line, err);
    return output_buffer(&out, err);
}

static const char *const shells[] = {"bash", "zsh", "fish", NULL};

const Command command_completion = {
    .name = "completion",
    .group = "About",
    .summary = "a completion script for a shell",
    .operands = "SHELL",
    .min_operands = 1,
    .max_operands = 1,
    .operand_choices = shells,
    .description =
        "The script completes commands, options and their values. Installed with the program.",
    .examples = "source <(assay completion bash)",
    .run = run_completion,
};
