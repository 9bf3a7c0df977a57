// HellaSwag as plain text: six lines a question, "activity: context", the number of the right ending from 0, four endings.
#include "datasets/choices.h"
#include "datasets/lines.h"
#include "datasets/readers.h"

enum { N_ENDINGS = 4 };

static Status cut_short(const ReadInput *input, size_t line, Error *err)
{
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT
                     ":%zu: the file ends inside a question, which has six lines: context, "
                     "number of the right ending, four endings",
                     SLICE_ARG(input->path), line);
}

static Status read_hellaswag(const ReadInput *input, Error *err)
{
    Slice rest = input->text, text, answer;
    size_t line = 0;
    while (line_take(&rest, &text)) {
        Slice *endings = NULL;
        Sample sample = {.line = ++line, .label = SAMPLE_NO_LABEL, .text = text};
        if (text.len == 0 && slice_trim(rest).len == 0) break;
        TRY(arena_take(input->arena, N_ENDINGS, sizeof *endings, "endings", &endings, err));
        if (!line_take(&rest, &answer)) return cut_short(input, line, err);
        for (size_t i = 0; i < N_ENDINGS; i++) {
            if (!line_take(&rest, &endings[i])) return cut_short(input, line + i + 1, err);
        }
        line += N_ENDINGS + 1;
        sample.choices = endings;
        sample.n_choices = N_ENDINGS;
        TRY(choices_add(input, &sample, answer, NULL, err));
    }
    return STATUS_OK;
}

static const char *const no_extensions[] = {NULL};

const Reader reader_hellaswag = {
    .name = "hellaswag",
    .summary = "six lines a question: context, number of the right ending from 0, four endings",
    .extensions = no_extensions,
    .read = read_hellaswag,
};
