// make_people_pairs: writes datasets/shipped/people-pairs.csv, or checks that a file is what it would write.
//
// Pairs in CrowS-Pairs' form: a sentence as the texts of people.txt would rather have it, and the same about the other group.
// Where groups stand evenly in the texts, the first counts as the one that is meant. No sentence is one of people.txt.
#include "datasets/shipped/people_words.h"
#include "datasets/shipped/shipped.h"

enum { SEED = 1950, N_PAIRS = 600 };

static void put_row(const PeopleSentence *sentence, Buffer *out)
{
    const unsigned more = sentence->is_bad ? 0 : 1;
    buffer_append_byte(out, '"');
    people_put(sentence, more, out);
    buffer_append_cstr(out, "\",\"");
    people_put(sentence, 1 - more, out);
    buffer_printf(out, "\",%s,%s\n", sentence->is_bad ? "stereo" : "antistereo",
                  people_themes[sentence->theme].name);
}

static bool has_row(Slice rows, Slice wanted)
{
    for (Slice row; slice_split(&rows, '\n', &row);) {
        if (slice_eq(row, slice_sub(wanted, 0, wanted.len - 1))) return true;
    }
    return false;
}

static Status make_pairs(Buffer *out, Error *err)
{
    Philox rng = philox_stream(SEED, 0);
    Buffer row = {0};
    Status s = STATUS_OK;
    buffer_append_cstr(out, "sent_more,sent_less,stereo_antistereo,bias_type\n");
    for (size_t i = 0; s == STATUS_OK && i < N_PAIRS;) {
        const PeopleSentence sentence =
            people_draw(&rng, PEOPLE_TEXT_TAILS, PEOPLE_TAILS - PEOPLE_TEXT_TAILS);
        buffer_clear(&row);
        put_row(&sentence, &row);
        s = buffer_status(&row, err);
        if (s != STATUS_OK || has_row(buffer_slice(out), buffer_slice(&row))) continue;
        buffer_append(out, buffer_slice(&row));
        i++;
    }
    buffer_release(&row);
    return s == STATUS_OK ? buffer_status(out, err) : s;
}

int main(int argc, char **argv)
{
    return shipped_main(argc, argv, "make_people_pairs", make_pairs);
}
