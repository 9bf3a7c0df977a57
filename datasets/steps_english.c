// English contractions written out. What is ambiguous goes the likelier way ("he's" is "he is", "I'd" is "I would"), and
// possessives ("the dog's") stay.
#include "datasets/steps_internal.h"

// In lower case with a plain apostrophe; sorted by bytes.
static const struct {
    const char *word, *full;
} contractions[] = {
    {"ain't", "is not"},
    {"aren't", "are not"},
    {"can't", "cannot"},
    {"could've", "could have"},
    {"couldn't", "could not"},
    {"daren't", "dare not"},
    {"didn't", "did not"},
    {"doesn't", "does not"},
    {"don't", "do not"},
    {"everyone's", "everyone is"},
    {"hadn't", "had not"},
    {"hasn't", "has not"},
    {"haven't", "have not"},
    {"he'd", "he would"},
    {"he'll", "he will"},
    {"he's", "he is"},
    {"here's", "here is"},
    {"how'd", "how did"},
    {"how's", "how is"},
    {"i'd", "i would"},
    {"i'll", "i will"},
    {"i'm", "i am"},
    {"i've", "i have"},
    {"isn't", "is not"},
    {"it'd", "it would"},
    {"it'll", "it will"},
    {"it's", "it is"},
    {"let's", "let us"},
    {"might've", "might have"},
    {"mightn't", "might not"},
    {"must've", "must have"},
    {"mustn't", "must not"},
    {"needn't", "need not"},
    {"oughtn't", "ought not"},
    {"shan't", "shall not"},
    {"she'd", "she would"},
    {"she'll", "she will"},
    {"she's", "she is"},
    {"should've", "should have"},
    {"shouldn't", "should not"},
    {"someone's", "someone is"},
    {"something's", "something is"},
    {"that'd", "that would"},
    {"that'll", "that will"},
    {"that's", "that is"},
    {"there'd", "there would"},
    {"there'll", "there will"},
    {"there's", "there is"},
    {"there've", "there have"},
    {"they'd", "they would"},
    {"they'll", "they will"},
    {"they're", "they are"},
    {"they've", "they have"},
    {"wasn't", "was not"},
    {"we'd", "we would"},
    {"we'll", "we will"},
    {"we're", "we are"},
    {"we've", "we have"},
    {"weren't", "were not"},
    {"what'll", "what will"},
    {"what're", "what are"},
    {"what's", "what is"},
    {"what've", "what have"},
    {"when's", "when is"},
    {"where'd", "where did"},
    {"where's", "where is"},
    {"who'd", "who would"},
    {"who'll", "who will"},
    {"who're", "who are"},
    {"who's", "who is"},
    {"who've", "who have"},
    {"why's", "why is"},
    {"won't", "will not"},
    {"would've", "would have"},
    {"wouldn't", "would not"},
    {"y'all", "you all"},
    {"you'd", "you would"},
    {"you'll", "you will"},
    {"you're", "you are"},
    {"you've", "you have"},
};

enum { LONGEST = 12 };

// An apostrophe at `at`: its bytes, or 0.
static size_t apostrophe(Slice text, size_t at)
{
    if (at < text.len && text.ptr[at] == '\'') return 1;
    static const Slice curly = SLICE_LIT("\xe2\x80\x99");
    return slice_eq(slice_sub(text, at, at + curly.len), curly) ? curly.len : 0;
}

static bool is_letter(Slice text, size_t at)
{
    return at < text.len && step_is_alnum(text.ptr[at]);
}

// The word of letters and one inner apostrophe that begins at `at`, in lower case; *end behind it. False where there is none.
static bool read_word(Slice text, size_t at, char word[LONGEST + 1], size_t *end, size_t *n_upper)
{
    size_t n = 0;
    bool has_apostrophe = false;
    *n_upper = 0;
    for (*end = at; *end < text.len;) {
        const size_t n_sign = apostrophe(text, *end);
        if (n_sign > 0 && (has_apostrophe || !is_letter(text, *end + n_sign))) break;
        if (n_sign == 0 && !is_letter(text, *end)) break;
        const char c = (char)(n_sign > 0 ? '\'' : text.ptr[*end]);
        const bool is_upper = c >= 'A' && c <= 'Z';
        has_apostrophe = has_apostrophe || n_sign > 0;
        *n_upper += is_upper;
        if (n < LONGEST) word[n] = (char)(is_upper ? c + 'a' - 'A' : c);
        n++;
        *end += n_sign > 0 ? n_sign : 1;
    }
    word[n < LONGEST ? n : LONGEST] = '\0';
    return has_apostrophe && n <= LONGEST;
}

static const char *written_out(const char *word)
{
    for (size_t i = 0; i < sizeof contractions / sizeof *contractions; i++) {
        if (slice_eq_cstr(slice_from_cstr(word), contractions[i].word)) return contractions[i].full;
    }
    return NULL;
}

// As the word was written: all capitals, a capital at first ("I" alone stays one), or neither.
static void put_like(TextEdit *edit, size_t n, size_t n_upper, const char *full)
{
    char text[32];
    size_t len = 0;
    const char first = edit->from.ptr[edit->at];
    const bool is_capital = first >= 'A' && first <= 'Z', is_upper = n_upper > 1;
    for (; full[len] && len < sizeof text; len++) {
        const char c = full[len];
        const bool raise = c >= 'a' && c <= 'z' && (is_upper || (len == 0 && is_capital));
        text[len] = (char)(raise ? c - 'a' + 'A' : c);
    }
    text_edit_put(edit, n, (Slice){text, len});
}

static Status apply_contractions(TextEdit *edit, Arena *scratch, Error *err)
{
    (void)scratch, (void)err;
    const Slice text = edit->from;
    while (edit->at < text.len) {
        const size_t at = edit->at;
        char word[LONGEST + 1];
        size_t end, n_upper;
        if (!is_letter(text, at)) {
            text_edit_keep(edit, 1);
            continue;
        }
        const bool is_word = read_word(text, at, word, &end, &n_upper);
        // A letter of another script before it is part of the word, and so is one behind it.
        const bool is_whole = (at == 0 || (unsigned char)text.ptr[at - 1] < 0x80) &&
                              (end == text.len || (unsigned char)text.ptr[end] < 0x80 ||
                               (unsigned char)text.ptr[end] == 0xE2);
        const char *full = is_word && is_whole ? written_out(word) : NULL;
        if (full)
            put_like(edit, end - at, n_upper, full);
        else
            text_edit_keep(edit, end - at);
    }
    return STATUS_OK;
}

const Step step_contractions = {
    .name = "contractions",
    .summary = "English contractions are written out: \"don't\" becomes \"do not\"",
    .not_for_words = "it would make two words of one, and each word has its tag",
    .apply = apply_contractions};
