// assay score on sets of judgements: rankings, preferences, agreement, fairness, bias; and on generated text.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "program.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

// The answer to one case; the arena keeps what the program printed.
static const Json *answer(Arena *arena, const char *family, const char *input)
{
    const Program program = RUN(arena, input, "score", family, "--cases");
    program_want(&program, 0);
    cr_assert_eq(count_lines(program.out), (size_t)1);
    return json_line(program.out, 0);
}

typedef struct Want {
    const char *family, *input, *key;
    double value; // NaN: undefined
} Want;

// The values stand beside their references in tests/metrics/.
static const Want wants[] = {
    {"meteor", "{\"hyps\": \"a cat runs quick\", \"refs\": [\"the cats were running quickly\"]}",
     "meteor", 0.20408163265306123},
    {"distinct", "{\"hyps\": [\"a b a\", \"b c\"], \"params\": {\"n\": 1}}", "distinct", 0.6},
    {"repetition", "{\"hyps\": [\"a b a b a b\"], \"params\": {\"n\": 2}}", "repetition", 0.6},
    {"length-ratio", "{\"hyps\": [\"a b c\"], \"refs\": [[\"a b\"]]}", "length_ratio", 1.5},
    // Of equal scores the later name comes first, as in trec_eval: b, a.
    {"ranking", "{\"queries\": [{\"scores\": {\"a\": 1, \"b\": 1}, \"relevant\": {\"a\": 2}}]}",
     "mrr", 0.5},
    {"ranking",
     "{\"queries\": [{\"gains\": [3, 0, 2, 0, 1], \"judged\": [3, 2, 1, 2]}], \"params\": {\"k\": 3}}",
     "ndcg", 0.7601875334318685},
    {"ranking", "{\"queries\": [{\"ranked\": [\"b\"], \"relevant\": {}}]}", "map", NAN},
    {"preference",
     "{\"comparisons\": [{\"first\": \"x\", \"second\": \"y\", \"winner\": \"tie\"}, {\"model_a\": "
     "\"x\", \"model_b\": \"y\", \"winner\": \"model_a\"}], \"params\": {\"scale\": \"logit\"}}",
     "bradley_terry/class/x", 0.5493061443340549}, // half the log of 3
    {"preference",
     "{\"comparisons\": [{\"first\": \"x\", \"second\": \"y\", \"winner\": \"first\"}]}",
     "bradley_terry", NAN},
    {"agreement", "{\"ratings\": [[1, 1, null], [2, 2, 2], [1, 2, 1]]}", "krippendorff_alpha",
     0.5625},
    {"agreement", "{\"ratings\": [[1, 1], [1, 1]]}", "fleiss_kappa", NAN},
    {"fairness",
     "{\"gold\": [1, 0, 1, 0], \"pred\": [1, 0, 0, null], \"groups\": [\"a\", \"a\", \"b\", \"b\"]}",
     "equal_opportunity", 1},
    {"flip-rate", "{\"pred\": [1, 0, 1, 1], \"counterfactual\": [1, 1, 1, 1]}", "flip_rate", 0.25},
    {"crows-pairs", "{\"pairs\": [{\"more\": -1, \"less\": -2}, {\"more\": -3, \"less\": -2}]}",
     "crows_pairs", 0.5},
    {"stereoset",
     "{\"items\": [{\"target\": \"t\", \"stereotype\": 3, \"anti-stereotype\": 2, \"unrelated\": 1}, "
     "{\"target\": \"t\", \"stereotype\": 2, \"anti-stereotype\": 3, \"unrelated\": 1}]}",
     "stereoset", 100},
    {"winobias",
     "{\"items\": [{\"gold\": \"a\", \"pred\": \"a\", \"stereotyped\": \"a\"}, {\"gold\": \"b\", "
     "\"pred\": \"a\", \"stereotyped\": \"a\"}]}",
     "winobias", 1},
    {"winogender",
     "{\"items\": [{\"occupation\": \"nurse\", \"pronoun\": \"female\", \"meant\": true, \"work\": 90}, "
     "{\"occupation\": \"nurse\", \"pronoun\": \"male\", \"meant\": false, \"work\": 90}, "
     "{\"occupation\": \"pilot\", \"male\": -1, \"female\": -2, \"work\": 5}]}",
     "winogender", 1},
    {"weat", "{\"X\": [[1, 0]], \"Y\": [[0, 1]], \"A\": [[2, 0]], \"B\": [[0, 3]]}", "weat",
     1.414213562373095},
    // Against no reference at all jiwer counts the insertions.
    {"wer", "{\"hyps\": [\"a b\", \"c\"], \"refs\": [[\"\", \" \"]]}", "wer", 3},
    {"wer", "{\"hyps\": [\"a b\"], \"refs\": [[\"\"]]}", "cer", 3},
    // sacreBLEU tokenises references twice: ". .5", then ". . 5".
    {"ter", "{\"hyps\": [\"\"], \"refs\": [[\"x ..5\"]], \"params\": {\"normalized\": true}}",
     "num_edits", 4},
    {"ter", "{\"hyps\": [\"x ..5\"], \"refs\": [[\"\"]], \"params\": {\"normalized\": true}}",
     "num_edits", 3},
};

Test(score_sets, answers_agree_with_the_metrics)
{
    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++) {
        const Want *w = &wants[i];
        Arena arena = {0};
        const Json *got = json_get(answer(&arena, w->family, w->input), w->key);
        cr_assert(got != NULL, "%s: %s", w->family, w->key);
        if (isnan(w->value)) {
            cr_expect_eq(json_kind(got), JSON_STRING, "%s: %s is not undefined", w->family, w->key);
        } else {
            cr_expect_float_eq(json_double(got), w->value, 1e-12, "%s: %s is %.17g", w->family,
                               w->key, json_double(got));
        }
        arena_release(&arena);
    }
}

typedef struct Refusal {
    const char *family, *input, *message;
} Refusal;

static const Refusal refusals[] = {
    {"distinct", "{\"hyps\": [\"a\", null]}", "hyps[1]: must be a text"},
    {"meteor", "{\"hyps\": [\"a\"], \"refs\": [[\"a\"]], \"params\": {\"alpah\": 1}}", "\"alpha\""},
    {"ranking", "{\"queries\": []}", "nothing to score"},
    {"ranking", "{\"queries\": [{\"ranked\": [\"b\", \"b\"], \"relevant\": [\"a\"]}]}",
     "\"b\" is returned twice"},
    {"ranking", "{\"queries\": [{\"ranked\": [\"b\"]}]}", "\"relevant\" must be"},
    {"preference",
     "{\"comparisons\": [{\"first\": \"a\", \"second\": \"b\", \"winner\": \"tei\"}]}",
     "comparisons[0].winner"},
    {"preference", "{\"comparisons\": [{\"first\": \"\", \"second\": \"b\", \"winner\": \"tie\"}]}",
     "a name is empty"},
    {"agreement", "{\"ratings\": [[1, 2]], \"labels\": [1]}", "\"2\" is none of the 1 labels"},
    {"agreement", "{\"ratings\": [[null]]}", "no item has a rating"},
    {"fairness", "{\"gold\": [1, 0], \"pred\": [1], \"groups\": [\"a\", \"b\"]}",
     "pred: has 1 items, but \"gold\" has 2"},
    {"fairness", "{\"gold\": [1, 0], \"pred\": [1, 0], \"groups\": [\"a\", \"a\"]}",
     "at least two groups"},
    {"flip-rate", "{\"pred\": [1], \"counterfactual\": [null]}", "group swapped"},
    {"crows-pairs", "{\"pairs\": [{\"more\": -1}]}", "\"less\" is missing"},
    {"stereoset", "{\"items\": [{\"stereotype\": 1, \"anti-stereotype\": 0, \"unrelated\": 2}]}",
     "\"target\" is missing"},
    {"winobias", "{\"items\": [{\"gold\": \"a\"}]}", "\"stereotyped\" is missing"},
    {"winogender", "{\"items\": [{\"occupation\": \"a\", \"male\": 1}]}",
     "\"pronoun\" or \"female\" is missing"},
    {"winogender", "{\"items\": [{\"occupation\": \"a\", \"work\": 101}]}",
     "want a percentage from 0 to 100"},
    {"bbq", "{\"items\": [{\"label\": 5}]}", "items[0].label"},
    {"weat", "{\"X\": [[1, 0]], \"Y\": [[0, 1]], \"A\": [[1, 0]], \"B\": [[0, 0]]}",
     "zero or not finite"},
    {"weat", "{\"X\": [[1, 0]], \"interval\": {\"resample\": 1}}", "\"resamples\""},
};

Test(score_sets, bad_cases_say_what_is_wrong)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const Refusal *r = &refusals[i];
        Arena arena = {0};
        const Program program = RUN(&arena, r->input, "score", r->family, "--cases");
        program_want(&program, 2);
        const Slice error = text_of(json_line(program.out, 0), "error");
        cr_expect(text_contains(error, r->message), "%s: " SLICE_FMT, r->family, SLICE_ARG(error));
        arena_release(&arena);
    }
}

Test(score_sets, intervals_hold_the_score_and_can_be_left_out)
{
    Arena arena = {0};
    const char *with =
        "{\"pairs\": [{\"more\": 1, \"less\": 2}, {\"more\": 3, \"less\": 2}, {\"more\": 3, \"less\": "
        "1}], \"interval\": {\"resamples\": 100, \"seed\": 3, \"level\": 0.9}}";
    const Json *interval =
        json_get(json_get(answer(&arena, "crows-pairs", with), "intervals"), "crows_pairs");
    cr_assert_eq(json_len(interval), (size_t)2);
    cr_expect_lt(json_double(json_at(interval, 0)), 2.0 / 3);
    cr_expect_gt(json_double(json_at(interval, 1)), 2.0 / 3);
    const char *without =
        "{\"pairs\": [{\"more\": 1, \"less\": 2}], \"interval\": {\"resamples\": 0}}";
    cr_expect(json_get(answer(&arena, "crows-pairs", without), "intervals") == NULL);
    arena_release(&arena);
}

// {"items": [lines of the file with the system's answers as "prediction"]}.
static void make_bbq_case(Arena *arena, const char *category, const char *column, Buffer *out)
{
    Error err = {0};
    Slice questions, answers, question, line;
    const char *path = shared_need(arena_printf(arena, "data/bbq/%s.jsonl", category));
    cr_assert_eq(file_read(arena, path, 1 << 26, &questions, &err), STATUS_OK, "%s", err.text);
    path = shared_path(arena_printf(arena, "data/bbq/results/UnifiedQA/preds_%s.jsonl", category));
    cr_assert_eq(file_read(arena, path, 1 << 26, &answers, &err), STATUS_OK, "%s", err.text);
    buffer_printf(out, "{\"interval\": {\"resamples\": 0}, \"items\": ");
    char before = '[';
    while (slice_split(&questions, '\n', &question) && slice_split(&answers, '\n', &line)) {
        const Slice prediction = text_of(json_of(line), column);
        question = slice_trim(question);
        buffer_append_byte(out, before);
        buffer_append(out, slice_sub(question, 0, question.len - 1));
        buffer_printf(out, ", \"prediction\": ");
        json_escape(out, prediction);
        buffer_append_byte(out, '}');
        before = ',';
    }
    buffer_printf(out, "]}\n");
    buffer_append_byte(out, '\0');
}

Test(score_sets, bbqs_files_give_the_reference_scores)
{
    Arena arena = {0};
    Buffer input = {0};
    make_bbq_case(&arena, "Religion", "unifiedqa-t5-11b_pred_race", &input);
    const Json *got = answer(&arena, "bbq", buffer_slice(&input).ptr);
    cr_expect_float_eq(number_of(got, "bbq/accuracy/ambiguous"), 390.0 / 600, 1e-12);
    cr_expect_float_eq(number_of(got, "bbq/accuracy/disambiguated"), 528.0 / 600, 1e-12);
    cr_expect_float_eq(number_of(got, "bbq/bias/ambiguous"), 0.14333333333333337, 1e-12);
    cr_expect_float_eq(number_of(got, "bbq/bias/disambiguated"), 0.0017574692442883233, 1e-12);
    cr_expect_eq(number_of(got, "unmatched"), 0);
    buffer_release(&input);
    arena_release(&arena);
}

// A shared file's path, in the arena.
static const char *shared_file(Arena *arena, const char *relative)
{
    const char *path = shared_need(relative);
    return arena_printf(arena, "%s", path);
}

Test(score_sets, published_files_are_read_as_they_are)
{
    Arena arena = {0};
    const char *questions = shared_file(&arena, "data/bbq/Religion.jsonl");
    const char *answers = shared_file(&arena, "data/bbq/results/UnifiedQA/preds_Religion.jsonl");
    const Program bbq = RUN(&arena, NULL, "score", "bbq", questions, answers,
                            "unifiedqa-t5-11b_pred_race", "--json");
    program_want(&bbq, 0);
    cr_expect_float_eq(number_of(json_of(bbq.out), "bbq/accuracy/ambiguous"), 0.65, 1e-12);
    const Program no_key = RUN(&arena, NULL, "score", "bbq", questions, answers, "x");
    program_want(&no_key, 2);
    cr_expect(text_contains(no_key.err, ":1:1: has no \"x\""), "%s", no_key.err.ptr);
    const char *data = shared_file(&arena, "data/stereoset/religion_test.json");
    const char *scores =
        shared_file(&arena, "data/stereoset/predictions/predictions_gpt2_ModelNSP_GPT2LM.json");
    const Program stereo = RUN(&arena, NULL, "score", "stereoset", data, scores, "--json");
    program_want(&stereo, 0);
    const Json *part = json_get(json_of(stereo.out), "intrasentence/religion");
    cr_expect_float_eq(number_of(part, "stereoset/ss"), 58.02298850574713, 1e-9);
    cr_expect_float_eq(number_of(part, "stereoset"), 74.26553573787817, 1e-9);
    const Program table = RUN(&arena, NULL, "score", "stereoset", data, scores);
    program_want(&table, 0);
    cr_expect(text_contains(table.out, "intrasentence/religion: stereoset/ss"));
    const Program swapped = RUN(&arena, NULL, "score", "stereoset", scores, data);
    program_want(&swapped, 2);
    cr_expect(text_contains(swapped.err, "has no scores"), "%s", swapped.err.ptr);
    arena_release(&arena);
}

// A folder of this test's own.
static const char *make_folder(char folder[32])
{
    snprintf(folder, 32, "/tmp/assay_sets_XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    return folder;
}

static void drop_folder(const char *folder, const char *const *names, size_t n)
{
    char path[96];
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        cr_expect_eq(unlink(path), 0, "%s", path);
    }
    cr_expect_eq(rmdir(folder), 0);
}

#define CROWS_HEAD "sent_more,sent_less,stereo_antistereo,bias_type"

Test(score_sets, crows_pairs_come_from_one_file_or_two)
{
    Arena arena = {0};
    char folder[32];
    make_folder(folder);
    const char *data = write_file(&arena, folder, "d.csv",
                                  CROWS_HEAD "\na,b,stereo,age\n"
                                             "c,d,antistereo,age\ne,f,stereo,gender\n");
    const char *scores =
        write_file(&arena, folder, "s.jsonl",
                   "{\"sent_more_score\": -1, \"sent_less_score\": -2}\n"
                   "{\"more\": -3, \"less\": -2}\n{\"more\": -1, \"less\": -4.5}\n");
    const char *results =
        write_file(&arena, folder, "r.csv",
                   CROWS_HEAD ",sent_more_score,sent_less_score\na,b,stereo,age,-1,-2\n"
                              "c,d,antistereo,age,-3,-2\ne,f,stereo,gender,-1,-4.5\n");
    const char *few = write_file(&arena, folder, "few.jsonl", "{\"more\": -3, \"less\": -2}\n");
    const Program two = RUN(&arena, NULL, "score", "crows-pairs", data, scores, "--json");
    program_want(&two, 0);
    const Json *root = json_of(two.out);
    cr_expect_float_eq(number_of(json_get(root, "overall"), "crows_pairs"), 2.0 / 3, 1e-12);
    cr_expect_eq(number_of(json_get(root, "age"), "crows_pairs"), 0.5);
    cr_expect_eq(number_of(json_get(root, "age"), "crows_pairs/antistereo"), 0);
    cr_expect_eq(number_of(json_get(root, "gender"), "crows_pairs/stereo"), 1);
    const Program one = RUN(&arena, NULL, "score", "crows-pairs", results, "--json");
    program_want(&one, 0);
    cr_expect(slice_eq(one.out, two.out), "%s", one.out.ptr);
    const Program short_file = RUN(&arena, NULL, "score", "crows-pairs", data, few);
    program_want(&short_file, 2);
    cr_expect(text_contains(short_file.err, "few.jsonl has scores of 1 pairs"));
    drop_folder(folder, (const char *[]){"d.csv", "s.jsonl", "r.csv", "few.jsonl"}, 4);
    arena_release(&arena);
}

Test(score_sets, winogender_goes_by_the_person_named)
{
    Arena arena = {0};
    char folder[32];
    make_folder(folder);
    const char *data =
        write_file(&arena, folder, "g.tsv",
                   "sentid\tsentence\nnurse.man.0.male.txt\tThe nurse saw the man as he ran.\n"
                   "nurse.man.0.female.txt\tThe nurse saw the man as she ran.\n"
                   "pilot.man.1.male.txt\tThe pilot saw the man as he ran.\n"
                   "pilot.man.1.female.txt\tThe pilot saw the man as she ran.\n");
    write_file(&arena, folder, "occupations-stats.tsv",
               "occupation\tbergsma_pct_female\tbls_pct_female\tbls_year\nnurse\t80\t90\t2015\n"
               "pilot\t90\t10\t2015\n");
    const char *answers = write_file(&arena, folder, "a.txt", "man\nThe Nurse\nthe pilot\n\n");
    const Program p = RUN(&arena, NULL, "score", "winogender", data, answers, "--json");
    program_want(&p, 0);
    cr_expect_float_eq(number_of(json_of(p.out), "winogender"), 1, 1e-12);
    cr_expect_float_eq(number_of(json_of(p.out), "winogender/texts"), -1, 1e-12);
    cr_expect_eq(number_of(json_of(p.out), "winogender/gap"), 0);
    cr_expect_eq(number_of(json_of(p.out), "accuracy"), 0.25);
    const char *one = write_file(&arena, folder, "one.txt", "the nurse\n");
    const Program few = RUN(&arena, NULL, "score", "winogender", data, one);
    program_want(&few, 2);
    cr_expect(text_contains(few.err, "one.txt has 1 answers"), "%s", few.err.ptr);
    drop_folder(folder, (const char *[]){"g.tsv", "occupations-stats.tsv", "a.txt", "one.txt"}, 4);
    arena_release(&arena);
}

Test(score_sets, winobias_compares_answers_with_what_stands_in_brackets)
{
    Arena arena = {0};
    char folder[32];
    make_folder(folder);
    const char *pro = write_file(
        &arena, folder, "pro_t.txt",
        "1 [The cook] saw the maid as [he] ran.\n2 The cook saw [the maid] as [she] ran.\n");
    write_file(&arena, folder, "anti_t.txt",
               "1 [The cook] saw the maid as [she] ran.\n2 The cook saw [the maid] as [he] ran.\n");
    const char *right = write_file(&arena, folder, "right.txt", "the cook\nMaid\n");
    const char *half = write_file(&arena, folder, "half.txt", "the maid\nthe maid\n");
    const Program p = RUN(&arena, NULL, "score", "winobias", pro, right, half, "--json");
    program_want(&p, 0);
    cr_expect_eq(number_of(json_of(p.out), "winobias"), 0.5);
    cr_expect_eq(number_of(json_of(p.out), "winobias/pro"), 1);
    cr_expect_eq(number_of(json_of(p.out), "winobias/anti"), 0.5);
    const Program wrong = RUN(&arena, NULL, "score", "winobias", pro, right, pro);
    program_want(&wrong, 0);
    const char *one = write_file(&arena, folder, "one.txt", "the cook\n");
    const Program few = RUN(&arena, NULL, "score", "winobias", pro, one, half);
    program_want(&few, 2);
    cr_expect(text_contains(few.err, "one.txt has 1 answers, but "), "%s", few.err.ptr);
    drop_folder(folder,
                (const char *[]){"pro_t.txt", "anti_t.txt", "right.txt", "half.txt", "one.txt"}, 5);
    arena_release(&arena);
}

// s(x) = 1 for both of X, -1 for both of Y: d = 2 / sd(1, 1, -1, -1) with n - 1 below.
Test(score_sets, seat_takes_sets_and_embeddings_from_files)
{
    Arena arena = {0};
    char folder[32];
    make_folder(folder);
    const char *sets = write_file(
        &arena, folder, "t.jsonl",
        "{\"targ1\": {\"examples\": [\"a\", \"b\"]}, \"targ2\": {\"examples\": [\"c\", \"d\"]},\n"
        "\"attr1\": {\"examples\": [\"e\"]}, \"attr2\": {\"examples\": [\"f\"]}}");
    const char *embeddings = write_file(
        &arena, folder, "e.jsonl",
        "{\"text\": \"a\", \"embedding\": [1, 0]}\n{\"id\": \"b\", \"embedding\": [3, 0]}\n"
        "{\"id\": \"c\", \"embedding\": [0, 1]}\n{\"id\": \"d\", \"embedding\": [0, 2]}\n"
        "{\"id\": \"e\", \"embedding\": [1, 0]}\n{\"id\": \"f\", \"embedding\": [0, 1]}\n"
        "{\"id\": \"other\", \"embedding\": [0, 1]}\n");
    const char *few =
        write_file(&arena, folder, "few.jsonl", "{\"text\": \"a\", \"embedding\": [1, 0]}\n");
    const Program p = RUN(&arena, NULL, "score", "weat", sets, embeddings, "--json");
    program_want(&p, 0);
    cr_expect_float_eq(number_of(json_of(p.out), "weat"), 2 / sqrt(4.0 / 3), 1e-12);
    cr_expect_float_eq(number_of(json_of(p.out), "p"), 1.0 / 6, 1e-12);
    const Program lacking = RUN(&arena, NULL, "score", "weat", sets, few);
    program_want(&lacking, 2);
    cr_expect(text_contains(lacking.err, "few.jsonl has no embedding of \"b\", which stands in"),
              "%s", lacking.err.ptr);
    drop_folder(folder, (const char *[]){"t.jsonl", "e.jsonl", "few.jsonl"}, 3);
    arena_release(&arena);
}

Test(score_sets, rankings_are_read_from_trecs_files)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *qrels = write_file(&arena, folder, "qrels.txt",
                                   "q1 0 d1 1\nq1 0 d2 0\nq1\t0\td3\t2\n\nq2 0 d1 1\nq2 0 d9 -1\n");
    const char *run = write_file(&arena, folder, "run.txt",
                                 "q1 Q0 d2 1 0.5 x\nq1 Q0 d3 2 0.5 x\nq1 Q0 d7 3 9e-1 x\n"
                                 "q2 Q0 d9 1 2 x\nq2 Q0 d1 2 1 x\nq3 Q0 d1 1 1 x\n");
    const Program p = RUN(&arena, NULL, "score", "ranking", qrels, run, "--json");
    program_want(&p, 0);
    cr_expect(text_contains(p.err, "1 lines of"), "%s", p.err.ptr);
    const Json *answer = json_of(p.out);
    // q1: d7, then of the equal ones d3 before d2: relevant at 2, of two; q2: relevant at 2, of one.
    cr_expect_float_eq(number_of(answer, "map"), (0.25 + 0.5) / 2, 1e-12);
    cr_expect_float_eq(number_of(answer, "mrr"), 0.5, 1e-12);
    cr_expect_float_eq(number_of(answer, "recall_at_k"), 0.75, 1e-12);
    cr_expect_eq(number_of(answer, "n"), 2);
    // Of queries without results trec_eval's default knows nothing, and with -c they count as 0.
    const char *half = write_file(&arena, folder, "half.txt", "q2 Q0 d9 1 2 x\nq2 Q0 d1 2 1 x\n");
    const Program omitted = RUN(&arena, NULL, "score", "ranking", qrels, half, "--missing=omit",
                                "--json"),
                  counted = RUN(&arena, NULL, "score", "ranking", qrels, half, "--missing=wrong",
                                "--json");
    program_want(&omitted, 0);
    program_want(&counted, 0);
    cr_expect(text_contains(omitted.err, "1 of 2 queries have no result and are left out"), "%s",
              omitted.err.ptr);
    cr_expect_eq(number_of(json_of(omitted.out), "map"), 0.5);
    cr_expect_eq(number_of(json_of(omitted.out), "n"), 1);
    cr_expect_eq(number_of(json_of(counted.out), "map"), 0.25);
    cr_expect_eq(number_of(json_of(counted.out), "n"), 2);
    const char *none = write_file(&arena, folder, "none.txt", "q7 Q0 d9 1 2 x\n");
    const Program nothing = RUN(&arena, NULL, "score", "ranking", qrels, none, "--missing=omit");
    program_want(&nothing, 2);
    static const char *const wrong[][3] = {
        {"run.txt", "q1 Q0 d2 1 0.5 x\n", "no result for 1 of 2 judged queries"},
        {"run.txt", "q1 Q0 d2 1 x x\n", ":1: the score is \"x\""},
        {"run.txt", "q1 Q0 d2 1 nan x\n", ":1: the score is \"nan\""},
        {"run.txt", "q1 d2 1\n", ":1: has 3 fields, want 6"},
        {"run.txt", "q1 Q0 d2 1 1 x\nq1 Q0 d2 2 0 x\n", ":2: document \"d2\" stands twice"},
        {"qrels.txt", "q1 0 d1\n", ":1: has 3 fields, want 4"},
        {"qrels.txt", "q1 0 d1 1\nq1 0 d1 0\n", ":2: document \"d1\" stands twice"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *bad = write_file(&arena, folder, "bad.txt", wrong[i][1]);
        const bool is_run = wrong[i][0][0] == 'r';
        const Program q =
            RUN(&arena, NULL, "score", "ranking", is_run ? qrels : bad, is_run ? bad : run);
        program_want(&q, 2);
        cr_expect(text_contains(q.err, wrong[i][2]), "%zu: %s", i, q.err.ptr);
    }
    folder_remove(folder);
    arena_release(&arena);
}
