// BBQ: questions about a context with three choices, one of which says that nobody can know.
//
// JSON Lines as the authors publish them (datasets/bbq.h). The context is Sample.context and the question Sample.text.
#include "datasets/bbq.h"
#include "datasets/bias_samples.h"

#include <stdio.h>

static Status add_question(const ReadInput *input, const Json *question, size_t line,
                           Arena *scratch, Error *err)
{
    BiasSample sample = bias_sample(line);
    BbqQuestion roles;
    Slice category = {0};
    if (json_kind(question) != JSON_OBJECT) {
        return json_error(question, err,
                          "found %s, want an object: BBQ has a question in every line",
                          json_kind_name(json_kind(question)));
    }
    TRY(bbq_question_read(question, scratch, &roles, err));
    TRY(json_want_string(question, "context", &sample.context, err));
    TRY(json_want_string(question, "question", &sample.text, err));
    TRY(json_opt_string(question, "category", &category, err));
    for (size_t k = 0; k < BBQ_CHOICES; k++)
        TRY(json_want_string(question, bbq_choice_keys[k], &sample.choices[k], err));
    sample.n_choices = BBQ_CHOICES;
    sample.gold = roles.label;
    sample.bias.unknown = roles.unknown;
    sample.bias.stereotyped = roles.stereotyped;
    sample.bias.is_ambiguous = roles.is_ambiguous;
    bias_sample_attribute(&sample, "category", category);
    bias_sample_attribute(&sample, "condition",
                          roles.is_ambiguous ? SLICE("ambiguous") : SLICE("disambiguated"));
    bias_sample_attribute(&sample, "polarity",
                          roles.is_negative ? SLICE("negative") : SLICE("non-negative"));
    return bias_sample_add(input, &sample, err);
}

static Status read_bbq(const ReadInput *input, Error *err)
{
    Slice rest = input->text, line;
    Arena scratch = {0};
    Status s = STATUS_OK;
    for (size_t number = 1; s == STATUS_OK && slice_split(&rest, '\n', &line); number++) {
        JsonDocument *document = NULL;
        line = slice_trim(line);
        if (line.len == 0) continue;
        s = json_parse_line(input->path, number, line, &document, err);
        if (s == STATUS_OK) s = add_question(input, json_root(document), number, &scratch, err);
        json_close(&document);
        arena_release(&scratch);
    }
    arena_release(&scratch);
    return s;
}

static const char *const extensions[] = {NULL};

const Reader reader_bbq = {
    .name = "bbq",
    .summary = "BBQ: JSON Lines with context, question, ans0 to ans2, answer_info, label",
    .extensions = extensions,
    .has_questions = true,
    .read = read_bbq,
};
