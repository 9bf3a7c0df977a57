// results/report/html_explain.c: a text whose words are shaded by what an answer hangs on. The sign shows without colour too: what
// speaks for the answer is underlined, what speaks against it has a dashed line; the number is a word's title.
#include <math.h>

#include "results/explained.h"
#include "results/report/html_internal.h"

// 0 for words that hardly matter, 3 for the strongest.
static int strength(double attribution, double largest)
{
    const double share = largest > 0 ? fabs(attribution) / largest : 0;
    return share >= 0.6 ? 3 : share >= 0.3 ? 2 : share >= 0.1 ? 1 : 0;
}

static void put_field(Html *html, const ExplainedAnswer *answer, int field, Slice text)
{
    size_t at = 0;
    for (size_t i = 0; i < answer->n_words; i++) {
        const ExplainedWord *word = &answer->words[i];
        const int level = strength(word->attribution, answer->largest);
        if (word->field != field || level == 0 || word->begin < at) continue;
        html_text(html, slice_sub(text, at, word->begin));
        buffer_printf(html->out, "<span class=\"%c%d\" title=\"%+.3g\">",
                      word->attribution > 0 ? 'p' : 'q', level, word->attribution);
        html_text(html, slice_sub(text, word->begin, word->end));
        html_put(html, "</span>");
        at = word->end;
    }
    html_text(html, slice_sub(text, at, text.len));
}

bool html_explained(Html *html, const ViewWorst *worst)
{
    Explained explained;
    Error ignored = {0};
    if (worst == NULL || worst->explanation.len == 0 ||
        explained_parse(worst->explanation, worst->input, worst->pair, &html->arena, &explained,
                        &ignored) != STATUS_OK ||
        explained.n_answers == 0)
        return false;
    for (size_t i = 0; i < explained.n_answers; i++) {
        const ExplainedAnswer *answer = &explained.answers[i];
        if (i > 0) html_put(html, "\n\n");
        if (explained.n_answers > 1) {
            html_put(html, "<b>");
            html_text(html, answer->about);
            html_put(html, ":</b> ");
        }
        put_field(html, answer, 0, worst->input);
        if (worst->pair.ptr == NULL) continue;
        html_put(html, " \xe2\x80\x96 "); // U+2016, between the two texts
        put_field(html, answer, 1, worst->pair);
    }
    return true;
}
