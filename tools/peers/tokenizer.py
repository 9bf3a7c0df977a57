#!/usr/bin/env python3
"""assay's tokenizers beside Hugging Face tokenizers on the same texts, one thread, in one interleaved run.

The texts are the contexts of a SQuAD file, each once. Every round takes each tokenizer through all texts, once by `assay bench
tokenizer` and once by encode_batch, offsets in both, in turn; the figure is CPU time, and ratios are taken round by round. Ids are
compared first, text by text: a tokenizer that gives others is not timed.

    python3 tokenizer.py --assay build/release/bin/assay --squad dev-v1.1.json MODEL...

MODEL is a directory with tokenizer.json. Needs tokenizers.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
import tokenizers  # noqa: E402


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="+")
    p.add_argument("--assay", default="build/release/bin/assay")
    p.add_argument("--squad", required=True)
    p.add_argument("--limit", type=int, default=600, help="at most so many texts")
    p.add_argument("--rounds", type=int, default=5)
    return p.parse_args()


def contexts(args):
    articles = json.load(open(args.squad, encoding="utf-8"))["data"]
    return [p["context"] for a in articles for p in a["paragraphs"]][: args.limit]


def check(args, path, model, tokenizer, texts):
    command = [args.assay, "tokenize", model, "--in", path, "-q"]
    lines = subprocess.run(command, check=True, capture_output=True).stdout.splitlines()
    theirs = tokenizer.encode_batch(texts)
    wrong = [i for i, (a, b) in enumerate(zip(lines, theirs)) if json.loads(a)["ids"] != b.ids]
    if wrong or len(lines) != len(texts):
        sys.exit(f"{model}: text {wrong[:1]} has other ids")


def assay_round(args, path, model):
    command = [args.assay, "bench", "tokenizer", model, "--in", path, "--json", "--rounds", "1", "--threads", "1"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["cpu_s"][0]


def peer_round(tokenizer, texts):
    before = time.process_time()
    tokenizer.encode_batch(texts)
    return time.process_time() - before


def main():
    args = arguments()
    texts = contexts(args)
    path = os.path.join(tempfile.mkdtemp(), "texts.jsonl")
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(json.dumps({"text": text}) + "\n" for text in texts)
    n_bytes = sum(len(text.encode()) for text in texts)
    peers = {}
    for model in args.models:
        peers[model] = tokenizers.Tokenizer.from_file(os.path.join(model, "tokenizer.json"))
        peers[model].no_truncation(), peers[model].no_padding()
        check(args, path, model, peers[model], texts)
    rows = {model: [] for model in args.models}
    for _ in range(args.rounds):
        for model, tokenizer in peers.items():
            rows[model].append((assay_round(args, path, model), peer_round(tokenizer, texts)))
    print(f"{len(texts)} texts, {n_bytes} bytes, {args.rounds} rounds, load {os.getloadavg()[0]:.1f}, "
          f"tokenizers {tokenizers.__version__}")
    for model, times in rows.items():
        kind = json.loads(peers[model].to_str())["model"]["type"]
        a, b = (statistics.median(n_bytes / 1e6 / t for t in column) for column in zip(*times))
        ratios = sorted(t[1] / t[0] for t in times)
        print(f"{os.path.basename(os.path.normpath(model)):20} {kind:10} assay {a:6.1f} MB/s  tokenizers {b:6.2f} MB/s  "
              f"ratio {statistics.median(ratios):.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]")


if __name__ == "__main__":
    main()
