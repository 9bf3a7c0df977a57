#include <criterion/criterion.h>
#include <math.h>

#include "program.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

// Two systems and their references, 12 segments.
typedef struct Files {
    const char *folder, *ref, *second, *good, *bad;
} Files;

static Files make_files(Arena *arena)
{
    Buffer ref = {0}, second = {0}, good = {0}, bad = {0};
    Files f = {.folder = folder_make()};
    for (int i = 0; i < 12; i++) {
        buffer_printf(&ref, "the %d cats sat on mat number %d today\n", i, 7 * i % 5);
        buffer_printf(&second, "%d cats were sitting on mat %d\r\n", i, 7 * i % 5);
        buffer_printf(&good, "the %d cats sat on the mat number %d today\n", i, 7 * i % 5);
        buffer_printf(&bad, "a %d dog sat %s mat number\n", i, i % 3 ? "on" : "by");
    }
    f.ref = write_file(arena, f.folder, "ref.txt", ref.ptr);
    f.second = write_file(arena, f.folder, "second.txt", second.ptr);
    f.good = write_file(arena, f.folder, "good.txt", good.ptr);
    f.bad = write_file(arena, f.folder, "bad.txt", bad.ptr);
    buffer_release(&ref);
    buffer_release(&second);
    buffer_release(&good);
    buffer_release(&bad);
    return f;
}

Test(score_files, prints_a_score_with_its_signature_and_interval)
{
    Arena arena = {0};
    const Files f = make_files(&arena);
    const Program text = RUN(&arena, NULL, "score", "bleu", "-r", f.ref, "-r", f.second, f.good);
    program_want(&text, 0);
    cr_expect(slice_starts_with(text.out, SLICE("BLEU|nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|"
                                                "version:2.6.0 = ")),
              "%s", text.out.ptr);
    cr_expect(text_contains(text.out, "95% interval"), "%s", text.out.ptr);
    const Program json = RUN(&arena, NULL, "score", "chrf", "--chrf-word-order", "2", "--ref",
                             f.ref, "--pred", f.good, "--json", "--timing");
    program_want(&json, 0);
    const Json *answer = json_of(json.out), *interval = json_get(answer, "interval");
    cr_expect(slice_eq_cstr(text_of(answer, "name"), "chrF2++"));
    cr_expect(slice_eq_cstr(text_of(answer, "nw"), "2"));
    cr_expect_eq(number_of(answer, "n_segments"), 12);
    cr_expect_leq(number_of(interval, "low"), number_of(answer, "score"));
    cr_expect_geq(number_of(interval, "high"), number_of(answer, "score"));
    cr_expect_gt(number_of(json_get(answer, "timing"), "score_ns"), 0);
    const Program only = RUN(&arena, NULL, "score", "ter", "-b", "-w", "3", "-r", f.ref, f.ref);
    program_want(&only, 0);
    cr_expect(slice_eq_cstr(only.out, "0.000\n"), "%s", only.out.ptr);
    folder_remove(f.folder);
    arena_release(&arena);
}

Test(score_files, scores_words_that_agree_wholly_as_perfect)
{
    static const char *const families[] = {"rouge", "exact-match"};
    Arena arena = {0};
    const Files f = make_files(&arena);
    for (size_t i = 0; i < 2; i++) {
        const Program p =
            RUN(&arena, NULL, "score", families[i], "--ref", f.ref, "--pred", f.ref, "--json");
        program_want(&p, 0);
        cr_expect_eq(number_of(json_of(p.out), "score"), 1, "%s", families[i]);
    }
    const Program wer =
        RUN(&arena, NULL, "score", "wer", "--ref", f.ref, "--pred", f.good, "--json");
    program_want(&wer, 0);
    cr_expect_float_eq(number_of(json_of(wer.out), "score"), 1.0 / 9, 1e-12);
    const Program lines =
        RUN(&arena, NULL, "score", "bleu", "--sentence-level", "-r", f.ref, f.bad);
    program_want(&lines, 0);
    cr_expect_eq(count_lines(lines.out), 12);
    folder_remove(f.folder);
    arena_release(&arena);
}

Test(score_files, compares_systems_and_says_which_are_identical)
{
    Arena arena = {0};
    const Files f = make_files(&arena);
    const char *const tests[] = {"--paired-bs", "--paired-ar"};
    for (size_t i = 0; i < 2; i++) {
        const Program ours = RUN(&arena, NULL, "score", "bleu", "-r", f.ref, f.good, f.bad, f.good,
                                 tests[i], "--json");
        const Program compat = RUN(&arena, NULL, "score", "bleu", "-r", f.ref, f.good, f.bad,
                                   f.good, tests[i], "--json", "--compat", "sacrebleu");
        program_want(&ours, 0);
        program_want(&compat, 0);
        const Json *systems = json_get(json_of(ours.out), "systems");
        cr_expect(json_kind(json_get(json_at(systems, 0), "p_value")) == JSON_NULL);
        cr_expect_lt(number_of(json_at(systems, 1), "p_value"), 0.01, "%s", tests[i]);
        cr_expect_eq(number_of(json_at(systems, 2), "p_value"), 1, "%s", tests[i]);
        cr_expect(json_bool(json_get(json_at(systems, 2), "is_identical")));
        // Strictly greater: a system against itself has the smallest p there is.
        systems = json_get(json_of(compat.out), "systems");
        const double n = number_of(json_of(compat.out), "n_draws");
        cr_expect_float_eq(number_of(json_at(systems, 2), "p_value"), 1 / (n + 1), 1e-12);
    }
    const Program alone = RUN(&arena, NULL, "score", "bleu", "-r", f.ref, f.good, "--paired-bs");
    program_want(&alone, 2);
    folder_remove(f.folder);
    arena_release(&arena);
}

Test(score_files, names_what_is_wrong_with_files)
{
    Arena arena = {0};
    const Files f = make_files(&arena);
    const char *shorter = write_file(&arena, f.folder, "short.txt", "one line\n");
    const char *empty = write_file(&arena, f.folder, "empty.txt", "");
    const char *broken = write_file(&arena, f.folder, "broken.txt", "fine\na\xffz\n");
    const Program lengths = RUN(&arena, NULL, "score", "bleu", "-r", f.ref, shorter);
    const Program nothing = RUN(&arena, NULL, "score", "bleu", "-r", empty, shorter);
    const Program bytes = RUN(&arena, NULL, "score", "chrf", "-r", broken, broken);
    const Program mended =
        RUN(&arena, NULL, "score", "chrf", "-r", broken, broken, "--invalid-utf8=replace");
    const Program other = RUN(&arena, NULL, "score", "chrf", "-r", f.ref, f.good, "--stemmer");
    program_want(&lengths, 2);
    program_want(&nothing, 2);
    program_want(&bytes, 2);
    program_want(&mended, 0);
    program_want(&other, 2);
    cr_expect(text_contains(lengths.err, "short.txt has 1 lines") &&
                  text_contains(lengths.err, "has 12"),
              "%s", lengths.err.ptr);
    cr_expect(text_contains(nothing.err, "empty.txt is empty"), "%s", nothing.err.ptr);
    const Program fetched =
        RUN(&arena, NULL, "score", "bleu", "-t", "wmt17", "-l", "en-de", f.good);
    program_want(&fetched, 2);
    cr_expect(text_contains(fetched.err, "sacrebleu -t wmt17 -l en-de --echo ref"), "%s",
              fetched.err.ptr);
    cr_expect(text_contains(bytes.err, "broken.txt:2: byte 2"), "%s", bytes.err.ptr);
    folder_remove(f.folder);
    arena_release(&arena);
}

Test(score_files, counts_the_words_of_an_alignment)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *ref = write_file(&arena, folder, "ref.txt", "a b c d\ne f\n");
    const char *hyp = write_file(&arena, folder, "hyp.txt", "a x c\ne f g\n");
    const Program json = RUN(&arena, NULL, "score", "wer", "-r", ref, hyp, "--json");
    program_want(&json, 0);
    const Json *answer = json_of(json.out);
    cr_expect_eq(number_of(answer, "hits"), 4);
    cr_expect_eq(number_of(answer, "sub"), 1);
    cr_expect_eq(number_of(answer, "del"), 1);
    cr_expect_eq(number_of(answer, "ins"), 1);
    cr_expect_float_eq(number_of(answer, "wer"), 0.5, 1e-12);
    cr_expect_float_eq(number_of(answer, "mer"), 3.0 / 7, 1e-12);
    cr_expect_float_eq(number_of(answer, "wip"), 4.0 / 6 * 4 / 6, 1e-12);
    const Program text = RUN(&arena, NULL, "score", "wer", "-r", ref, hyp);
    cr_expect(text_contains(text.out, "4 right, 1 substituted, 1 deleted, 1 inserted"), "%s",
              text.out.ptr);
    folder_remove(folder);
    arena_release(&arena);
}

Test(score_files, parts_summaries_and_aggregates_their_scores)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *ref = write_file(&arena, folder, "ref.txt", "a b <n> c d\ne f <n> g\n");
    const char *hyp = write_file(&arena, folder, "hyp.txt", "c d <n> a b\ne f <n> h\n");
    const Program whole =
        RUN(&arena, NULL, "score", "rouge", "-r", ref, hyp, "--types", "rougeLsum", "-b");
    const Program parted = RUN(&arena, NULL, "score", "rouge", "-r", ref, hyp, "--types",
                               "rougeLsum", "-b", "--sep", " <n> ");
    program_want(&parted, 0);
    cr_expect(slice_eq_cstr(parted.out, "0.8333\n"), "%s", parted.out.ptr);
    cr_expect(!slice_eq(whole.out, parted.out));
    const Program json =
        RUN(&arena, NULL, "score", "rouge", "-r", ref, hyp, "--aggregate", "--json");
    program_want(&json, 0);
    const Json *rouge1 = json_get(json_get(json_of(json.out), "aggregate"), "rouge1");
    cr_expect_eq(json_len(json_get(rouge1, "mid")), 3);
    const Program unknown =
        RUN(&arena, NULL, "score", "rouge", "-r", ref, hyp, "--types", "rougeX");
    program_want(&unknown, 2);
    folder_remove(folder);
    arena_release(&arena);
}

Test(score_files, reads_squad_files_and_clusters_questions)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *data = write_file(
        &arena, folder, "dev.json",
        "{\"version\": \"v2.0\", \"data\": [{\"title\": \"t\", \"paragraphs\": [{\"context\": \"c\", \"qas\": ["
        "{\"id\": \"a\", \"question\": \"?\", \"answers\": [{\"text\": \"the cat\", \"answer_start\": 0}]},"
        "{\"id\": \"b\", \"question\": \"?\", \"is_impossible\": true, \"answers\": []}]},"
        "{\"context\": \"d\", \"qas\": [{\"id\": \"c\", \"answers\": [{\"text\": \"dog\"}]}]}]}]}");
    const char *pred =
        write_file(&arena, folder, "pred.json",
                   "{\"a\": \"Cat.\", \"b\": \"\", \"c\": \"cow\", \"x\": \"surplus\"}");
    const char *few = write_file(&arena, folder, "few.json", "{\"a\": \"cat\"}");
    const char *twice = write_file(&arena, folder, "twice.json", "{\"a\": \"x\", \"a\": \"y\"}");
    const Program all =
        RUN(&arena, NULL, "score", "squad", "--data", data, "--pred", pred, "--json");
    program_want(&all, 0);
    const Json *answer = json_of(all.out);
    cr_expect_float_eq(number_of(answer, "exact"), 200.0 / 3, 1e-9);
    cr_expect_eq(number_of(answer, "NoAns_total"), 1);
    cr_expect_eq(number_of(answer, "surplus_predictions"), 1);
    cr_expect_eq(number_of(json_get(json_get(answer, "intervals"), "f1"), "n_clusters"), 2);
    const Program missing = RUN(&arena, NULL, "score", "squad", "--data", data, "--pred", few);
    program_want(&missing, 2);
    cr_expect(text_contains(missing.err, "2 of 3 questions have no prediction: b, c"), "%s",
              missing.err.ptr);
    const Program wrong =
        RUN(&arena, NULL, "score", "squad", "--data", data, "--pred", few, "--missing=wrong");
    program_want(&wrong, 0);
    cr_expect(text_contains(wrong.out, "exact                33.3333"), "%s", wrong.out.ptr);
    const Program doubled = RUN(&arena, NULL, "score", "squad", "--data", data, "--pred", twice);
    program_want(&doubled, 2);
    cr_expect(text_contains(doubled.err, "twice.json:1:"), "%s", doubled.err.ptr);
    const char *odds =
        write_file(&arena, folder, "odds.json", "{\"a\": -3.5, \"b\": 2, \"c\": 0.5}");
    const Program scaled =
        RUN(&arena, NULL, "score", "squad", "--data", data, "--pred", pred, "--na-probs", odds);
    program_want(&scaled, 0);
    cr_expect(text_contains(scaled.err, "odds.json: 2 of 3 numbers lie outside [0, 1]"), "%s",
              scaled.err.ptr);
    folder_remove(folder);
    arena_release(&arena);
}

Test(score_files, reads_conll_columns_and_says_where_they_part)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *gold = write_file(&arena, folder, "gold.conll",
                                  "-DOCSTART- O\n\nAnn N B-PER\nsaw V O\nRome N B-LOC\n\nok X O\n");
    const char *pred =
        write_file(&arena, folder, "pred.conll", "Ann B-PER\nsaw O\nRome O\n\n\nok O\n");
    const char *shorter = write_file(&arena, folder, "short.conll", "Ann B-PER\n\nok O\n");
    const Program text = RUN(&arena, NULL, "score", "ner", gold, pred);
    program_want(&text, 0);
    cr_expect(text_contains(text.out, "micro F1 0.6667"), "%s", text.out.ptr);
    cr_expect(text_contains(text.out, "right 1") && text_contains(text.out, "missed 1"), "%s",
              text.out.ptr);
    const Program json = RUN(&arena, NULL, "score", "ner", "--mode", "strict", "--scheme", "IOB2",
                             gold, pred, "--json");
    program_want(&json, 0);
    cr_expect_eq(number_of(json_get(json_of(json.out), "micro"), "precision"), 1);
    const Program lengths = RUN(&arena, NULL, "score", "ner", gold, shorter);
    program_want(&lengths, 2);
    cr_expect(text_contains(lengths.err, "sentence 1 has 3 tokens"), "%s", lengths.err.ptr);
    const Program scheme =
        RUN(&arena, NULL, "score", "ner", "--mode", "strict", "--scheme", "IOE2", gold, pred);
    program_want(&scheme, 2);
    cr_expect(text_contains(scheme.err, "look like --scheme IOB2"), "%s", scheme.err.ptr);
    const Program forced = RUN(&arena, NULL, "score", "ner", "--mode", "strict", "--scheme",
                               "IOBES", gold, pred, "--force");
    program_want(&forced, 0);
    const char *other =
        write_file(&arena, folder, "other.conll", "Ann S-PER\nsaw O\nRome O\n\nok O\n");
    const Program unknown =
        RUN(&arena, NULL, "score", "ner", "--mode", "strict", "--scheme", "IOB2", gold, other);
    program_want(&unknown, 2);
    cr_expect(text_contains(unknown.err, "other.conll: sentence 1, from line 1: token 0"), "%s",
              unknown.err.ptr);
    const char *words = write_file(&arena, folder, "words.conll", "O\nEND\n");
    const Program strange = RUN(&arena, NULL, "score", "ner", words, words);
    program_want(&strange, 0);
    cr_expect(text_contains(strange.err, "\"END\" does not look like a tag"), "%s",
              strange.err.ptr);
    cr_expect_eq(text.err.len, (size_t)0, "%s", text.err.ptr);
    folder_remove(folder);
    arena_release(&arena);
}

Test(score_files, shows_the_tokens_of_a_metric)
{
    Arena arena = {0};
    const Program cases =
        RUN(&arena, "{\"text\": \"Isn't it, 3,000?\"}\n\"a\\u0000b c\"\n{\"x\": 1}\n", "tokenize",
            "--as", "13a");
    program_want(&cases, 2);
    cr_expect(slice_starts_with(cases.out, SLICE("[\"Isn't\",\"it\",\",\",\"3,000\",\"?\"]\n"
                                                 "[\"a\\u0000b\",\"c\"]\n{\"error\":")),
              "%s", cases.out.ptr);
    const Program plain =
        RUN(&arena, "The cats, running\n\n", "tokenize", "--as", "rouge", "--stemmer");
    program_want(&plain, 0);
    cr_expect(slice_eq_cstr(plain.out, "[\"the\",\"cat\",\"run\"]\n[]\n"), "%s", plain.out.ptr);
    arena_release(&arena);
}

Test(score_files, several_scores_are_asked_for_at_once)
{
    Arena arena = {0};
    const Files f = make_files(&arena);
    static const char *const names[] = {"bleu", "chrf", "ter"};
    const Program all =
        RUN(&arena, NULL, "score", "bleu,chrf,ter", "-r", f.ref, f.bad, f.good, "--paired-bs",
            "--paired-bs-n", "50", "--chrf-word-order", "2", "--json");
    program_want(&all, 0);
    const Json *answers = json_of(all.out);
    cr_assert_eq(json_len(answers), (size_t)3);
    const Json *answer = json_first(answers);
    for (size_t i = 0; i < 3; i++, answer = json_next(answer)) {
        const Program one =
            i == 1 ? RUN(&arena, NULL, "score", names[i], "-r", f.ref, f.bad, f.good, "--paired-bs",
                         "--paired-bs-n", "50", "--chrf-word-order", "2", "--json")
                   : RUN(&arena, NULL, "score", names[i], "-r", f.ref, f.bad, f.good, "--paired-bs",
                         "--paired-bs-n", "50", "--json");
        program_want(&one, 0);
        const Json *got = json_first(json_get(answer, "systems")),
                   *want = json_first(json_get(json_of(one.out), "systems"));
        for (; want != NULL; want = json_next(want), got = json_next(got)) {
            cr_expect_eq(number_of(got, "score"), number_of(want, "score"));
            cr_expect(slice_eq(text_of(got, "signature"), text_of(want, "signature")));
        }
        cr_expect_eq(got, NULL);
    }
    const Program mixed = RUN(&arena, NULL, "score", "bleu,rouge", "-r", f.ref, f.good);
    program_want(&mixed, 2);
    const Program sentences =
        RUN(&arena, NULL, "score", "bleu,chrf", "--sentence-level", "-r", f.ref, f.good);
    program_want(&sentences, 2);
    const Program foreign =
        RUN(&arena, NULL, "score", "bleu,ter", "--chrf-beta", "3", "-r", f.ref, f.good);
    program_want(&foreign, 2);
    const Program none = RUN(&arena, NULL, "score", "", "-r", f.ref, f.good);
    program_want(&none, 2);
    folder_remove(f.folder);
    arena_release(&arena);
}

Test(score_files, references_stand_between_tabs_in_one_file)
{
    Arena arena = {0};
    const Files f = make_files(&arena);
    Buffer both = {0};
    for (int i = 0; i < 12; i++) {
        buffer_printf(&both,
                      "the %d cats sat on mat number %d today\t%d cats were sitting on mat %d\n", i,
                      7 * i % 5, i, 7 * i % 5);
    }
    const char *tabs = write_file(&arena, f.folder, "both.tsv", both.ptr);
    buffer_release(&both);
    const Program apart = RUN(&arena, NULL, "score", "bleu", "-r", f.ref, "-r", f.second, f.bad);
    const Program together =
        RUN(&arena, NULL, "score", "bleu", "-r", tabs, "--num-refs", "2", f.bad);
    program_want(&together, 0);
    cr_expect(slice_eq(apart.out, together.out), "%s", together.out.ptr);
    const Program few = RUN(&arena, NULL, "score", "bleu", "-r", tabs, "--num-refs", "3", f.bad);
    program_want(&few, 2);
    cr_expect(text_contains(few.err, ":1: holds 2 of the 3"), "%s", few.err.ptr);
    const Program two =
        RUN(&arena, NULL, "score", "bleu", "-r", tabs, "-r", tabs, "--num-refs", "2", f.bad);
    program_want(&two, 2);
    folder_remove(f.folder);
    arena_release(&arena);
}

Test(score_files, confidence_is_the_mean_and_half_width_of_sacrebleus_resamples)
{
    Arena arena = {0};
    const Files f = make_files(&arena);
    const Program alone = RUN(&arena, NULL, "score", "chrf", "-r", f.ref, f.bad, "--confidence",
                              "--confidence-n", "200", "--json");
    program_want(&alone, 0);
    const Program paired =
        RUN(&arena, NULL, "score", "chrf", "-r", f.ref, f.bad, f.good, "--compat", "sacrebleu",
            "--paired-bs", "--paired-bs-n", "200", "--json");
    program_want(&paired, 0);
    const Json *one = json_of(alone.out),
               *baseline = json_first(json_get(json_of(paired.out), "systems"));
    cr_expect_eq(number_of(one, "mean"), number_of(baseline, "mean"));
    cr_expect_eq(number_of(one, "ci"), number_of(baseline, "ci"));
    cr_expect(slice_eq_cstr(text_of(one, "bs"), "200"));
    const Program two =
        RUN(&arena, NULL, "score", "chrf", "-r", f.ref, f.bad, f.good, "--confidence");
    program_want(&two, 2);
    folder_remove(f.folder);
    arena_release(&arena);
}

Test(score_files, pieces_of_a_sentencepiece_model_are_words_of_bleu)
{
    Arena arena = {0};
    const Files f = make_files(&arena);
    const char *model = shared_path("models/spm-botchan/botchan.model");
    const Program without =
        RUN(&arena, NULL, "score", "bleu", "--tokenize", "flores200", "-r", f.ref, f.good);
    program_want(&without, 2);
    cr_expect(text_contains(without.err, "--spm-model FILE"), "%s", without.err.ptr);
    const Program stray =
        RUN(&arena, NULL, "score", "bleu", "--spm-model", f.ref, "-r", f.ref, f.good);
    program_want(&stray, 2);
    const Program lacking = RUN(&arena, "x\n", "tokenize", "--as", "spm"),
                  surplus = RUN(&arena, "x\n", "tokenize", "--as", "13a", "--spm-model", f.ref);
    program_want(&lacking, 2);
    program_want(&surplus, 2);
    if (model != NULL) {
        const Program p = RUN(&arena, NULL, "score", "bleu", "--tokenize", "spm", "--spm-model",
                              model, "-r", f.ref, f.good, "--json");
        program_want(&p, 0);
        const Json *answer = json_of(p.out);
        cr_expect(slice_eq_cstr(text_of(answer, "tok"), "spm-botchan-4884d27b"));
        // sacreBLEU 2.6.0 with this file in the place of its own.
        cr_expect_float_eq(number_of(answer, "score"), 81.76392064462566, 1e-9);
        const Program tokens = RUN(&arena, "\"The cats sat\"\n", "tokenize", "--as", "spm",
                                   "--spm-model", model, "--lowercase");
        program_want(&tokens, 0);
        cr_expect(
            slice_eq_cstr(tokens.out, "[\"\u2581the\",\"\u2581c\",\"at\",\"s\",\"\u2581sat\"]\n"),
            "%s", tokens.out.ptr);
    }
    folder_remove(f.folder);
    arena_release(&arena);
}

// What sacreBLEU 2.6.0 prints of these files by the same arguments.
Test(score_files, takes_the_options_and_order_of_files_of_sacrebleu)
{
    static const struct {
        const char *arguments[10];
        const char *out;
    } cases[] = {
        {{"-tok", "intl", "-lc", "-sh", "-w", "2", "-cin", "0"},
         "BLEU|#:1|c:lc|e:no|tok:intl|s:exp|v:2.6.0 = 47.90 85.0/64.7/42.9/27.3 (BP = 0.951 ratio "
         "= 0.952 hyp_len = 20 ref_len = 21)\n"},
        {{"-s", "add-k", "-sv", "1", "-b", "-f", "text"}, "51.8\n"},
        {{"-sl", "-w", "3"},
         "BLEU|nrefs:1|case:mixed|eff:yes|tok:13a|smooth:exp|version:2.6.0 = 48.892 "
         "85.7/66.7/40.0/25.0 (BP = 1.000 ratio = 1.000 hyp_len = 7 ref_len = 7)\n"
         "BLEU|nrefs:1|case:mixed|eff:yes|tok:13a|smooth:exp|version:2.6.0 = 48.892 "
         "85.7/66.7/40.0/25.0 (BP = 1.000 ratio = 1.000 hyp_len = 7 ref_len = 7)\n"
         "BLEU|nrefs:1|case:mixed|eff:yes|tok:13a|smooth:exp|version:2.6.0 = 45.480 "
         "83.3/60.0/50.0/33.3 (BP = 0.846 ratio = 0.857 hyp_len = 6 ref_len = 7)\n"},
        {{"-sl", "-b"}, "48.9\n48.9\n45.5\n"},
        {{"-m", "bleu", "chrf", "ter", "-b", "-w", "4", "-cin", "0"},
         "47.8976\n67.1407\n22.2222\n"},
    };
    static const char ref[] = "The cat sat on the mat.\nA dog barked at me loudly.\n"
                              "It is raining in Paris today.\n",
                      hyp[] = "The cat sat on a mat.\nA dog barks at me loudly.\n"
                              "It rains in Paris today.\n";
    Arena arena = {0};
    const char *folder = folder_make();
    const char *ref_path = write_file(&arena, folder, "ref_1.txt", ref),
               *path = write_file(&arena, folder, "a_1.txt", hyp);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *arguments[16] = {"score", "bleu", ref_path, "-i", path};
        for (size_t k = 0; k < 10; k++) arguments[5 + k] = cases[i].arguments[k];
        const Program p = program_run(&arena, NULL, NULL, arguments);
        program_want(&p, 0);
        cr_expect(slice_eq_cstr(p.out, cases[i].out), "case %zu: %s", i, p.out.ptr);
    }
    const Program sure = RUN(&arena, NULL, "score", "ter", ref_path, "-i", path, "-sh", "-ci");
    program_want(&sure, 0);
    cr_expect(
        slice_starts_with(sure.out, SLICE("TER|#:1|bs:1000|rs:12345|c:lc|t:tercom|nr:no|pn:yes|"
                                          "as:no|v:2.6.0 = 22.2 (\u03bc = 21.9 \u00b1 8.3)\n")),
        "%s", sure.out.ptr);
    const Program json = RUN(&arena, NULL, "score", "bleu", ref_path, "-i", path, "-f", "json");
    program_want(&json, 0);
    cr_expect_float_eq(number_of(json_of(json.out), "score"), 47.897615609464, 1e-9);
    const Program both =
        RUN(&arena, NULL, "score", "bleu", ref_path, "-i", path, "-f", "text", "--json");
    program_want(&both, 2);
    folder_remove(folder);
    arena_release(&arena);
}

Test(score_files, tables_for_latex_are_of_several_systems)
{
    Arena arena = {0};
    const Files f = make_files(&arena);
    const Program p = RUN(&arena, NULL, "score", "bleu", f.ref, "-i", f.good, f.bad, "-m", "ter",
                          "-f", "latex", "-par", "-parn", "99");
    program_want(&p, 0);
    cr_expect(
        slice_starts_with(p.out, SLICE("\\begin{tabular}{rcc}\n\\toprule\nSystem & BLEU & TER "
                                       "\\\\\n\\midrule\nBaseline: ")),
        "%s", p.out.ptr);
    cr_expect(text_contains(p.out, " (p = 0.0100)* \\\\\n\\bottomrule\n\\end{tabular}\n"), "%s",
              p.out.ptr);
    const Program one = RUN(&arena, NULL, "score", "bleu", "-r", f.ref, f.good, "-f", "latex");
    program_want(&one, 2);
    folder_remove(f.folder);
    arena_release(&arena);
}
