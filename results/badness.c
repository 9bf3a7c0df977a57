#include "results/badness.h"

#include <math.h>

// Takes the next word of a text; empty at its end.
static Slice next_word(Slice *text)
{
    size_t begin = 0;
    while (begin < text->len && text->ptr[begin] == ' ') begin++;
    size_t end = begin;
    while (end < text->len && text->ptr[end] != ' ') end++;
    const bool is_listed =
        end > begin + 1 && text->ptr[end - 1] == ','; // of labels with commas between
    const Slice word = slice_sub(*text, begin, end - is_listed);
    *text = slice_sub(*text, end, text->len);
    return word;
}

// The share of places, counted from the front, at which both have the same word: of tags, those that are right; of other
// texts an order from "nothing alike" to "equal", which is all that a list of bad answers needs. Numbers are the less alike the
// further apart they are.
static double likeness(Slice answer, Slice reference)
{
    size_t n_same = 0, n = 0;
    double a_number, b_number;
    if (slice_eq(answer, reference)) return 1;
    if (slice_to_double(answer, &a_number) && slice_to_double(reference, &b_number))
        return 1 / (1 + fabs(a_number - b_number));
    for (;; n++) {
        const Slice a = next_word(&answer), b = next_word(&reference);
        if (a.len == 0 && b.len == 0) break;
        n_same += a.len > 0 && slice_eq(a, b);
    }
    return n == 0 ? 0 : (double)n_same / (double)(n + 1); // equal but for blanks is not equal
}

double answer_badness(const TrialOutput *output, int32_t label, Slice reference)
{
    if (label >= 0 && (size_t)label < output->n_probabilities)
        return (double)output->probabilities[label];
    if (label != STORE_NO_LABEL) return output->label == label ? 1 : 0;
    return likeness(output->text, reference);
}
