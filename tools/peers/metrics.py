#!/usr/bin/env python3
"""assay's scores beside the programs that they must equal, in one interleaved run.

Each round runs every pair in turn: a process that makes the reference's library call on one thread, then `assay score
--timing`. The ratio is the call's CPU time over tokenize_ns + score_ns; its median over rounds is printed with its least,
and how far the two scores lie apart. --whole compares the CPU time of whole processes, start-up and reading included.

    python3 metrics.py --assay build/release/bin/assay --texts SQUAD.json [--work DIR] [--rounds 5] [--whole] [NAME ...]

The inputs are made once in --work, from the contexts of a SQuAD file: sentences with words dropped, replaced and moved.
Needs sacrebleu, rouge_score, seqeval, jiwer and scikit-learn.
"""
import argparse
import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

# name -> (what assay is asked, where its score stands in the answer)
SIZES = (3000, 10000, 100000)
CASES = {}
for size in SIZES:
    files = ["-r", f"mt{size}.ref", f"mt{size}.hyp"]
    plain = ["--confidence-n", "0"]
    CASES[f"bleu_{size}"] = (["bleu", *files, *plain], "score")
    CASES[f"chrf_{size}"] = (["chrf", *files, *plain], "score")
    CASES[f"chrf++_{size}"] = (["chrf", "--chrf-word-order", "2", *files, *plain], "score")
    CASES[f"ter_{size}"] = (["ter", *files, *plain], "score")
    CASES[f"rouge_{size}"] = (["rouge", *files, *plain], "rouge_l")
    for kind in ("rouge1", "rouge2", "rougeL", "rougeLsum"):
        CASES[f"{kind}_{size}"] = (["rouge", "--types", kind, *files, *plain], "score")
    CASES[f"rouge12L_{size}"] = (["rouge", "--types", "rouge1,rouge2,rougeL", *files, *plain], "rouge_l")
    CASES[f"stemmed_{size}"] = (["rouge", "--stemmer", *files, *plain], "rouge_l")
    CASES[f"wer_{size}"] = (["wer", *files, *plain], "score")
    CASES[f"ner_{size}"] = (["ner", f"ner{size}.true", f"ner{size}.pred"], "f1")
    CASES[f"ner_strict_{size}"] = (["ner", "--scheme", "IOB2", "--mode", "strict", f"ner{size}.true", f"ner{size}.pred"], "f1")
    CASES[f"squad_{size}"] = (["squad", "--data", f"squad{size}.json", "--pred", f"squad{size}.pred.json"], "f1_100")
    CASES[f"squad2_{size}"] = (
        ["squad", "--data", f"squad2.{size}.json", "--pred", f"squad2.{size}.pred.json", "--na-probs", f"squad2.{size}.na.json",
         "--na-prob-thresh", "0.5"], "best_f1")
CASES["f1_1000000"] = (["classification", "cls.tsv", "--metric", "f1", *plain], "table")
CASES["auc_1000000"] = (["probability", "cls.tsv", "--metric", "auc", *plain], "table")


def noise(r, vocab, text, rate):
    out = []
    for word in text.split():
        x = r.random()
        if x < rate * 0.3:
            continue
        out.append(r.choice(vocab) if x < rate * 0.8 else word)
        if x > 1 - rate * 0.2:
            out.append(r.choice(vocab))
    if len(out) > 6 and r.random() < 0.4:
        at = r.randrange(len(out) - 3)
        block = out[at : at + 3]
        del out[at : at + 3]
        to = r.randrange(len(out))
        out[to:to] = block
    return " ".join(out)


def tags_of(r):
    tags, n = [], r.randrange(5, 40)
    while len(tags) < n:
        kind = r.choice(("PER", "LOC", "ORG", "MISC"))
        entity = ["B-" + kind] + ["I-" + kind] * r.choice((0, 0, 1, 2))
        tags += entity if r.random() < 0.12 else ["O"]
    return tags[:n]


def make(path, work):
    r = random.Random(7)
    contexts = [p["context"].replace("\n", " ") for a in json.load(open(path))["data"] for p in a["paragraphs"]]
    sentences = [s for c in contexts for s in re.split(r"(?<=[.!?]) +", c) if 30 < len(s) < 260]
    vocab = [w for s in sentences for w in s.split()]

    def write(name, lines):
        with open(os.path.join(work, name), "w", encoding="utf-8") as f:
            f.writelines(line + "\n" for line in lines)

    for n in SIZES:
        refs = [noise(r, vocab, r.choice(sentences), 0.25) for _ in range(n)]
        write(f"mt{n}.ref", refs)
        write(f"mt{n}.hyp", [noise(r, vocab, x, 0.35) for x in refs])
        gold = [tags_of(r) for _ in range(n)]
        other = ("O", "B-PER", "I-LOC", "B-ORG")
        pred = [[t if r.random() < 0.95 else r.choice(other) for t in tags] for tags in gold]
        for name, side in (("true", gold), ("pred", pred)):
            write(f"ner{n}.{name}", ["\n".join("w " + t for t in tags) + "\n" for tags in side])
        questions, answers = [], {}
        for i in range(n):
            words = r.choice(sentences).split()
            at = r.randrange(len(words))
            answer = " ".join(words[at : at + r.randrange(1, 6)])
            golds = (answer, "the " + answer, noise(r, vocab, answer, 0.2) or answer)
            questions.append({"id": str(i), "question": "?", "answers": [{"text": g, "answer_start": 0} for g in golds]})
            answers[str(i)] = noise(r, vocab, answer, 0.2) if r.random() < 0.8 else r.choice(sentences)[:30]
        data = [{"title": "t", "paragraphs": [{"context": "c", "qas": questions}]}]
        write(f"squad{n}.json", [json.dumps({"version": "1.1", "data": data})])
        write(f"squad{n}.pred.json", [json.dumps(answers)])
        for i, question in enumerate(questions):  # 2.0: every second one has no answer
            question["is_impossible"] = i % 2 == 1
            question["answers"] = [] if i % 2 else question["answers"]
            answers[str(i)] = answers[str(i)] if i % 2 == 0 or r.random() < 0.4 else ""
        write(f"squad2.{n}.json", [json.dumps({"version": "v2.0", "data": data})])
        write(f"squad2.{n}.pred.json", [json.dumps(answers)])
        write(f"squad2.{n}.na.json", [json.dumps({i: r.random() for i in answers})])
    with open(os.path.join(work, "cls.tsv"), "w") as f:
        f.write("label\tprediction\tscore\n")
        for _ in range(1000000):
            y = r.randrange(2)
            f.write(f"{y}\t{y if r.random() < .8 else 1 - y}\t{min(1, max(0, .3 + .4 * y + r.gauss(0, .25))):.6f}\n")


def squad2_best_f1(data, predictions, na_probs):
    """What the official v2.0 script does with --na-prob-file and a threshold of 0.5."""
    words, f1 = squad_functions()
    exact, token_f1, has_answer = {}, {}, {}
    for article in data:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                qid = question["id"]
                golds = [a["text"] for a in question["answers"] if words(a["text"])] or [""]
                has_answer[qid] = bool(question["answers"])
                exact[qid] = max(int(words(g) == words(predictions[qid])) for g in golds)
                if golds == [""]:
                    token_f1[qid] = int(not words(predictions[qid]))
                else:
                    token_f1[qid] = max(f1(predictions[qid], g) for g in golds)
    for scores in (exact, token_f1):  # the scores under the threshold, for all, with and without an answer
        kept = {q: float(not has_answer[q]) if na_probs[q] > 0.5 else s for q, s in scores.items()}
        for part in (True, False):
            chosen = [s for q, s in kept.items() if has_answer[q] == part]
            sum(chosen) / len(chosen)
    best = {}
    for name, scores in (("exact", exact), ("f1", token_f1)):
        now = top = sum(1 for q in has_answer if not has_answer[q])
        for q in sorted(na_probs, key=lambda k: na_probs[k]):
            if q not in scores:
                continue
            now += scores[q] if has_answer[q] else (-1 if predictions[q] else 0)
            top = max(top, now)
        best[name] = 100 * top / len(scores)
    return best["f1"]


def squad_functions():
    import collections
    import string

    punctuation = set(string.punctuation)

    def words(text):
        text = "".join(c for c in text.lower() if c not in punctuation)
        return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())

    def f1(a, b):
        a, b = words(a).split(), words(b).split()
        same = sum((collections.Counter(a) & collections.Counter(b)).values())
        return 2 * (same / len(a)) * (same / len(b)) / (same / len(a) + same / len(b)) if same else 0

    return words, f1


def squad_f1(data, predictions):
    """The official v1.1 script's arithmetic."""
    words, f1 = squad_functions()
    total = exact = n = 0
    for article in data:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                golds, n = [a["text"] for a in question["answers"]], n + 1
                exact += max(words(predictions[question["id"]]) == words(g) for g in golds)
                total += max(f1(predictions[question["id"]], g) for g in golds)
    return 100 * total / n


def reference(name, work):
    """The call that is timed: a function without arguments that gives the score."""
    kind, size = name.rsplit("_", 1)

    def lines(file):
        return open(os.path.join(work, file), encoding="utf-8").read().split("\n")[:-1]

    if kind in ("f1", "auc"):
        import numpy
        import sklearn.metrics as metrics

        table = numpy.loadtxt(os.path.join(work, "cls.tsv"), skiprows=1)
        y, p, s = table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2]
        return (lambda: metrics.f1_score(y, p, average="macro")) if kind == "f1" else (lambda: metrics.roc_auc_score(y, s))
    if kind.startswith("ner"):
        import seqeval.metrics
        from seqeval.scheme import IOB2

        sides = [
            [[t.split()[-1] for t in s.split("\n")] for s in open(os.path.join(work, f"ner{size}.{x}")).read().strip().split("\n\n")]
            for x in ("true", "pred")
        ]
        options = {"mode": "strict", "scheme": IOB2} if kind == "ner_strict" else {}
        return lambda: seqeval.metrics.f1_score(*sides, **options)
    if kind == "squad":
        data = json.load(open(os.path.join(work, f"squad{size}.json")))["data"]
        predictions = json.load(open(os.path.join(work, f"squad{size}.pred.json")))
        return lambda: squad_f1(data, predictions)
    if kind == "squad2":
        files = (f"squad2.{size}.json", f"squad2.{size}.pred.json", f"squad2.{size}.na.json")
        data, predictions, na_probs = (json.load(open(os.path.join(work, f))) for f in files)
        return lambda: squad2_best_f1(data["data"], predictions, na_probs)
    hyps, refs = lines(f"mt{size}.hyp"), lines(f"mt{size}.ref")
    if kind.startswith("rouge") or kind == "stemmed":
        from rouge_score import rouge_scorer

        every = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
        types = [kind] if kind in every else every[:3] if kind == "rouge12L" else every
        scorer = rouge_scorer.RougeScorer(types, use_stemmer=kind == "stemmed")
        shown = types[0] if len(types) == 1 else "rougeL"
        return lambda: sum(scorer.score(r, h)[shown].fmeasure for r, h in zip(refs, hyps)) / len(refs)
    if kind == "wer":
        import jiwer

        return lambda: (jiwer.cer(refs, hyps), jiwer.wer(refs, hyps))[1]
    from sacrebleu.metrics import BLEU, CHRF, TER

    made = {"bleu": lambda: BLEU(force=True), "chrf": CHRF, "chrf++": lambda: CHRF(word_order=2), "ter": TER}[kind]()
    return lambda: made.corpus_score(hyps, [refs]).score


def cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(command, work):
    before = cpu_of_children()
    done = subprocess.run(command, cwd=work, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(" ".join(command) + "\n" + done.stderr)
    return json.loads(done.stdout), cpu_of_children() - before


def ours(answer, where):
    if where == "table":
        return answer["metrics"][0]["score"]
    if where == "rouge_l":
        return next(m["score"] for m in answer["more"] if m["name"] == "rougeL")
    if where == "f1":
        return answer["micro"]["f1"]
    return answer["f1"] if where == "f1_100" else answer[where]


def child(name, work):
    call = reference(name, work)
    begin = time.process_time()
    score = call()
    print(json.dumps({"cpu_s": time.process_time() - begin, "score": score}))


def main():
    if sys.argv[1] == "--child":
        return child(sys.argv[2], sys.argv[3])
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--assay", required=True)
    p.add_argument("--texts", help="a SQuAD file")
    p.add_argument("--work", default="metrics-work")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--whole", action="store_true")
    p.add_argument("names", nargs="*")
    args = p.parse_args()
    assay = os.path.abspath(args.assay)
    work = os.path.abspath(args.work)
    if not os.path.exists(os.path.join(work, "cls.tsv")):
        os.makedirs(work, exist_ok=True)
        make(args.texts, work)
    names = args.names or [n for n in CASES if n.endswith(("_3000", "_1000000"))]
    seen = {name: [] for name in names}
    for _ in range(args.rounds):
        for name in names:
            asked, where = CASES[name]
            theirs, their_process = run([sys.executable, os.path.abspath(__file__), "--child", name, work], work)
            answer, our_process = run([assay, "score", *asked, "--json", "--timing"], work)
            timing = answer["timing"]
            seconds = (timing["tokenize_ns"] + timing["score_ns"]) / 1e9
            pair = (their_process, our_process) if args.whole else (theirs["cpu_s"], seconds)
            seen[name].append((*pair, abs(theirs["score"] - ours(answer, where))))
    print(f"{'what':18} {'reference s':>12} {'assay ms':>10} {'ratio':>8} {'least':>8} {'apart':>9}")
    for name, rows in seen.items():
        ratios = [a / b for a, b, _ in rows]
        print(
            f"{name:18} {statistics.median(r[0] for r in rows):12.3f} {1000 * statistics.median(r[1] for r in rows):10.2f}"
            f" {statistics.median(ratios):8.1f} {min(ratios):8.1f} {max(r[2] for r in rows):9.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
