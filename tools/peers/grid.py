#!/usr/bin/env python3
"""5 folds x 6 settings: one assay run beside a loop over a PyTorch trainer, one process a trial.

The loop is what a home-made script does: every trial starts Python, loads model and data, tunes on its part of the fold
and scores the rest. Of its 30 trials a few are run, spread over the grid, and their mean stands for all. assay runs the
whole suite, with its choice of settings inside each fold, intervals, store and report. Both use the same texts, number of
epochs and threads; wall time, since waiting for a process to start is part of the answer.

    python3 grid.py --assay build/release/bin/assay --model MINILM-DIR --texts train.tsv --limit 300 [--threads 2]

Needs torch and transformers.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

RATES = [1e-5, 3e-5, 5e-5]
SIZES = [16, 32]
FOLDS = 5


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--assay")
    p.add_argument("--model", required=True)
    p.add_argument("--texts", required=True, help="TSV without header: text, 0 or 1")
    p.add_argument("--limit", type=int, default=300)
    p.add_argument("--epochs", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--trials", type=int, default=6, help="trials of the loop that are run; their mean stands for all 30")
    p.add_argument("--trial", nargs=3, metavar=("FOLD", "RATE", "SIZE"), help="one trial of the loop (used by itself)")
    return p.parse_args()


def rows_of(args):
    with open(args.texts, encoding="utf-8") as file:
        rows = [line.rstrip("\n").rsplit("\t", 1) for line in file]
    return rows[: args.limit]


def trial(args):
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    import torch
    import transformers

    fold, rate, size = int(args.trial[0]), float(args.trial[1]), int(args.trial[2])
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(args.threads)
    torch.manual_seed(fold)
    tokenizer = transformers.AutoTokenizer.from_pretrained(args.model)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=2)
    rows = rows_of(args)
    held = [r for i, r in enumerate(rows) if i % FOLDS == fold]
    kept = [r for i, r in enumerate(rows) if i % FOLDS != fold]
    kept = kept[: len(kept) * 9 // 10]  # a tenth chooses the setting, as in the suite

    def batches(part, order):
        for begin in range(0, len(order), size):
            chosen = [part[j] for j in order[begin : begin + size]]
            x = tokenizer([r[0] for r in chosen], padding=True, truncation=True, max_length=128, return_tensors="pt")
            yield x, torch.tensor([int(r[1]) for r in chosen])

    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01, fused=True)
    model.train()
    for _ in range(args.epochs):
        for x, y in batches(kept, torch.randperm(len(kept)).tolist()):
            model(**x, labels=y).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
    model.eval()
    with torch.inference_mode():
        right = sum(int((model(**x).logits.argmax(1) == y).sum()) for x, y in batches(held, range(len(held))))
    print(right / len(held))


def assay_run(args, folder):
    with open(os.path.join(folder, "train.tsv"), "w", encoding="utf-8") as file:
        file.writelines("\t".join(r) + "\n" for r in rows_of(args))
    suite = {"suite": "grid", "seed": 17, "models": [{"name": "model", "path": os.path.abspath(args.model)}],
             "tasks": [{"name": "texts", "family": "classify", "columns": {"text": 1, "label": 2}, "header": False,
                        "max_length": 128, "metrics": ["accuracy"], "data": {"train": "train.tsv"}}],
             "tune": {"learning_rate": RATES, "batch_size": SIZES, "epochs": args.epochs, "weight_decay": 0.01,
                      "schedule": "constant", "clip": 1.0},
             "folds": {"k": FOLDS, "inner": 0.1}}
    path = os.path.join(folder, "grid.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(suite, file)
    command = [args.assay, "run", path, "--store", os.path.join(folder, "grid.db"),
               "--report", os.path.join(folder, "report"), "--threads", str(args.threads)]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main():
    args = arguments()
    if args.trial:
        trial(args)
        return
    args.assay = os.path.abspath(args.assay)
    grid = [(f, r, s) for f in range(FOLDS) for r in RATES for s in SIZES]
    chosen = grid[:: max(1, len(grid) // args.trials)][: args.trials]
    spent = []
    with tempfile.TemporaryDirectory() as folder:
        ours = 0.0
        for i, (fold, rate, size) in enumerate(chosen):
            if i == len(chosen) // 2:
                ours = assay_run(args, folder)  # in the middle, so that a drift of the machine meets both
            command = [sys.executable, __file__, "--model", args.model, "--texts", args.texts, "--limit", str(args.limit),
                       "--epochs", str(args.epochs), "--threads", str(args.threads), "--trial", str(fold), str(rate), str(size)]
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            spent.append(time.perf_counter() - began)
    theirs = statistics.mean(spent) * len(grid)
    print(f"{args.limit} texts, {args.epochs} epochs, {args.threads} threads, load {os.getloadavg()[0]:.1f}")
    print(f"loop over PyTorch  {theirs:8.1f} s  ({statistics.mean(spent):.1f} s a trial, of which {len(chosen)} were run)")
    print(f"assay run          {ours:8.1f} s")
    print(f"ratio              {theirs / ours:8.2f}")


if __name__ == "__main__":
    main()
