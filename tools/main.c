// assay: reads the command line, runs one command, and turns what it says into a message and an exit status.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

#include "base/machine.h"
#include "tools/command.h"

// One sentence for a person, whatever the message holds.
static void report(const CommandLine *line, const Error *err)
{
    char text[ERROR_TEXT_SIZE + 64];
    log_progress_end(line->log);
    if (output_is_abandoned()) return; // as other programs do: the status alone tells
    const bool is_named = line->command != NULL;
    snprintf(text, sizeof text, "assay%s%s: %s", is_named ? " " : "",
             is_named ? line->command->name : "",
             err->text[0] ? err->text : status_name(err->status));
    log_line(line->log, text);
}

static Status run_general(CommandLine *line, Error *err)
{
    Buffer out = {0};
    if (option_flag(line, "version")) {
        if (line->is_json) {
            JsonWriter w = json_writer(&out, 2);
            json_begin_object(&w);
            json_member_cstr(&w, "version", version_text());
            json_end_object(&w);
            buffer_append_byte(&out, '\n');
        } else {
            buffer_printf(&out, "assay %s\n", version_text());
        }
    } else if (option_flag(line, "man")) {
        man_page(&out);
    } else if (line->command) {
        help_command(line->command, &out);
    } else {
        help_program(&out);
    }
    return output_buffer(&out, err);
}

static Status run(CommandLine *line, int argc, char **argv, Error *err)
{
    TRY(command_line_parse(line, argc, (const char *const *)argv, err));
    if (option_flag(line, "quiet")) line->log->level = LOG_WARNING;
    if (option_flag(line, "verbose")) line->log->level = LOG_DEBUG;
    if (option_flag(line, "no-color")) line->log->use_color = false;
    if (option_flag(line, "help") || option_flag(line, "version") || option_flag(line, "man")) {
        return run_general(line, err);
    }
    if (!line->command) {
        return error_set(err, STATUS_INVALID, "a command is wanted; assay --help lists them");
    }
    if (!machine_cpu_setting_is_known()) {
        log_warning(line->log, "ASSAY_CPU is none of base, avx2, avx512 and is ignored");
    }
    return line->command->run(line, err);
}

// A standard stream that the caller has closed would lend its number to the next file that is opened, and messages would be
// written into a model. In its place stands what fails when it is used.
static void fill_closed_streams(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            return;
    }
}

int main(int argc, char **argv)
{
    fill_closed_streams();
    Log log = log_to_stream(stderr, LOG_INFO);
    CommandLine line = {.log = &log};
    Error err = {0};
    // A reader that goes away, or a file above the user's limit, is an error of writing like any other.
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    Status s = run(&line, argc, argv, &err);
    if (s != STATUS_OK) report(&line, &err);
    int code = s == STATUS_OK ? line.exit_code : status_exit_code(s);
    Error late = {0};
    if (output_finish(&late) != STATUS_OK && s == STATUS_OK) {
        report(&line, &late);
        code = status_exit_code(STATUS_IO);
    }
    log_progress_end(&log);
    command_line_release(&line);
    if (s == STATUS_CANCELLED) interrupt_raise();
    return code;
}
