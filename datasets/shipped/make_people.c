// make_people: writes datasets/shipped/people.txt, or checks that a file is what it would write.
#include "datasets/shipped/people_words.h"
#include "datasets/shipped/shipped.h"

enum { SEED = 1949, N_TEXTS = 3600 };

static bool has_line(Slice lines, Slice wanted)
{
    for (Slice line; slice_split(&lines, '\n', &line);) {
        if (slice_eq(line, wanted)) return true;
    }
    return false;
}

static Status make_texts(Buffer *out, Error *err)
{
    Philox rng = philox_stream(SEED, 0);
    Buffer text = {0};
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < N_TEXTS;) {
        const PeopleSentence sentence = people_draw(&rng, 0, PEOPLE_TEXT_TAILS);
        // The first group does what its theme says of it, the second the rest.
        const bool fits = philox_below(&rng, 100) < people_themes[sentence.theme].bad_percent;
        buffer_clear(&text);
        people_put(&sentence, sentence.is_bad == fits ? 0 : 1, &text);
        s = buffer_status(&text, err);
        if (s != STATUS_OK || has_line(buffer_slice(out), buffer_slice(&text))) continue;
        buffer_append(out, buffer_slice(&text));
        buffer_append_byte(out, '\n');
        i++;
    }
    buffer_release(&text);
    return s == STATUS_OK ? buffer_status(out, err) : s;
}

int main(int argc, char **argv)
{
    return shipped_main(argc, argv, "make_people", make_texts);
}
