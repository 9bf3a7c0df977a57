// Completion scripts for bash, zsh and fish: words from the tables, files where a table names FILE or DIR.
#include <string.h>

#include "tools/command.h"

typedef struct Shell {
    const char *name;
    void (*write)(Buffer *out);
} Shell;

// Text between single quotes for a POSIX shell and for fish: each quote is closed, escaped and opened again.
static void put_quoted(Buffer *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            buffer_append_cstr(out, "'\\''");
        else
            buffer_append_byte(out, *text);
    }
}

static bool is_path(const Option *option)
{
    return option->value && (strstr(option->value, "FILE") || strstr(option->value, "DIR") ||
                             strstr(option->value, "PATH"));
}

static void put_words(Buffer *out, const char *const *words)
{
    for (size_t i = 0; words[i]; i++) buffer_printf(out, "%s%s", i ? " " : "", words[i]);
}

static void put_long_names(Buffer *out, const Option *options, size_t n)
{
    for (size_t i = 0; i < n; i++) buffer_printf(out, " --%s", options[i].name);
}

// case arms of bash that complete the value of the option before the cursor
static void put_bash_values(Buffer *out, const char *command, const Option *options, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (options[i].kind == OPTION_FLAG) continue;
        buffer_printf(out, "    '%s --%s') ", command, options[i].name);
        if (options[i].choices) {
            buffer_append_cstr(out, "COMPREPLY=($(compgen -W '");
            put_words(out, options[i].choices);
            buffer_append_cstr(out, "' -- \"$cur\")) ;;\n");
        } else {
            buffer_append_cstr(out, is_path(&options[i])
                                        ? "COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
                                        : "COMPREPLY=() ;;\n");
        }
    }
}

static void write_bash(Buffer *out)
{
    buffer_append_cstr(
        out,
        "# bash completion for assay; made by `assay completion bash`\n_assay() {\n"
        "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=\n"
        "  local i words=\n  for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "    case ${COMP_WORDS[i]} in -*) ;; *) command=${COMP_WORDS[i]}; break ;; esac\n  done\n"
        "  COMPREPLY=()\n  case \"$command $prev\" in\n");
    for (size_t i = 0; i < n_commands; i++) {
        put_bash_values(out, commands_all[i]->name, commands_all[i]->options,
                        commands_all[i]->n_options);
    }
    buffer_append_cstr(out, "    *)\n      case $command in\n      '') words='");
    for (size_t i = 0; i < n_commands; i++) buffer_printf(out, "%s ", commands_all[i]->name);
    put_long_names(out, global_options, n_global_options);
    buffer_append_cstr(out, "' ;;\n");
    for (size_t i = 0; i < n_commands; i++) {
        const Command *command = commands_all[i];
        buffer_printf(out, "      %s) words='", command->name);
        if (command->operand_choices) put_words(out, command->operand_choices);
        put_long_names(out, command->options, command->n_options);
        put_long_names(out, global_options, n_global_options);
        buffer_append_cstr(out, "' ;;\n");
    }
    buffer_append_cstr(
        out, "      esac\n      COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
             "      case $command in '') ;; *) case $cur in -*) ;; *) "
             "COMPREPLY+=($(compgen -f -- \"$cur\")) ;; esac ;; esac ;;\n  esac\n  return 0\n}\n"
             "complete -o filenames -F _assay assay\n");
}

// Within _arguments a colon ends a field and brackets end a description.
static void put_zsh_text(Buffer *out, const char *text)
{
    for (; *text; text++) {
        if (strchr(":[]\\", *text)) buffer_append_byte(out, '\\');
        if (*text == '\'')
            buffer_append_cstr(out, "'\\''");
        else
            buffer_append_byte(out, *text);
    }
}

static void put_zsh_options(Buffer *out, const Option *options, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const Option *option = &options[i];
        buffer_printf(out, " \\\n      '%s--%s%s[", option->kind == OPTION_TEXTS ? "*" : "",
                      option->name, option->kind == OPTION_FLAG ? "" : "=");
        put_zsh_text(out, option->help);
        buffer_append_byte(out, ']');
        if (option->kind != OPTION_FLAG) {
            buffer_append_byte(out, ':');
            put_zsh_text(out, option->value ? option->value : "value");
            buffer_append_byte(out, ':');
            if (option->choices) {
                buffer_append_byte(out, '(');
                put_words(out, option->choices);
                buffer_append_byte(out, ')');
            } else if (is_path(option)) {
                buffer_append_cstr(out, "_files");
            }
        }
        buffer_append_byte(out, '\'');
    }
}

static void write_zsh(Buffer *out)
{
    buffer_append_cstr(
        out, "#compdef assay\n# zsh completion for assay; made by `assay completion zsh`\n"
             "_assay() {\n  local -a commands\n  local context state line\n  commands=(\n");
    for (size_t i = 0; i < n_commands; i++) {
        buffer_printf(out, "    '%s:", commands_all[i]->name);
        put_zsh_text(out, commands_all[i]->summary);
        buffer_append_cstr(out, "'\n");
    }
    buffer_append_cstr(out, "  )\n  _arguments -C");
    put_zsh_options(out, global_options, n_global_options);
    buffer_append_cstr(out, " \\\n      '1:command:->command' '*::argument:->argument'\n"
                            "  case $state in\n  command) _describe command commands ;;\n"
                            "  argument) case $words[1] in\n");
    for (size_t i = 0; i < n_commands; i++) {
        const Command *command = commands_all[i];
        buffer_printf(out, "    %s) _arguments", command->name);
        put_zsh_options(out, command->options, command->n_options);
        put_zsh_options(out, global_options, n_global_options);
        if (command->operand_choices) {
            buffer_append_cstr(out, " \\\n      '1:argument:(");
            put_words(out, command->operand_choices);
            buffer_append_cstr(out, ")'");
        }
        buffer_append_cstr(out, " \\\n      '*:file:_files' ;;\n");
    }
    buffer_append_cstr(
        out, "    esac ;;\n  esac\n}\nif [ \"$funcstack[1]\" = _assay ]; then _assay \"$@\"; "
             "else compdef _assay assay; fi\n");
}

static void put_fish_options(Buffer *out, const char *condition, const Option *options, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const Option *option = &options[i];
        buffer_printf(out, "complete -c assay%s -l %s", condition, option->name);
        if (option->short_name) buffer_printf(out, " -s %c", option->short_name);
        for (size_t k = 0; option->also && option->also[k]; k++)
            buffer_printf(out, " -o %s", option->also[k] + 1);
        if (option->kind != OPTION_FLAG)
            buffer_append_cstr(out, is_path(option) ? " -r -F" : " -x");
        if (option->choices) {
            buffer_append_cstr(out, " -a '");
            put_words(out, option->choices);
            buffer_append_byte(out, '\'');
        }
        buffer_append_cstr(out, " -d '");
        put_quoted(out, option->help);
        buffer_append_cstr(out, "'\n");
    }
}

static void write_fish(Buffer *out)
{
    buffer_append_cstr(out, "# fish completion for assay; made by `assay completion fish`\n");
    put_fish_options(out, "", global_options, n_global_options);
    for (size_t i = 0; i < n_commands; i++) {
        const Command *command = commands_all[i];
        Buffer condition = {0};
        buffer_printf(out, "complete -c assay -n __fish_use_subcommand -f -a %s -d '",
                      command->name);
        put_quoted(out, command->summary);
        buffer_append_cstr(out, "'\n");
        buffer_printf(&condition, " -n '__fish_seen_subcommand_from %s'", command->name);
        if (condition.ptr) {
            put_fish_options(out, condition.ptr, command->options, command->n_options);
            if (command->operand_choices) {
                buffer_printf(out, "complete -c assay%s -f -a '", condition.ptr);
                put_words(out, command->operand_choices);
                buffer_append_cstr(out, "'\n");
            }
        }
        if (condition.failed) out->failed = true;
        buffer_release(&condition);
    }
}

bool completion_script(const char *shell, Buffer *out)
{
    static const Shell shells[] = {{"bash", write_bash}, {"zsh", write_zsh}, {"fish", write_fish}};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(shell, shells[i].name) != 0) continue;
        shells[i].write(out);
        return true;
    }
    return false;
}
