#!/usr/bin/env python3
"""assay beside PyTorch, tuning one encoder-decoder on the same batches of pairs, in one interleaved run.

Every round runs each program once, in turn; ratios are taken round by round and their median is printed. assay reads its
batches from a file; a run over the first batch alone is taken off, so that start, reading and saving do not count. PyTorch
pads each batch to its longest source and target; the padding factor (positions computed over real tokens) is printed. PyTorch
waits passively (OMP_WAIT_POLICY), which is its best setting on a busy machine.

    python3 seq2seq.py --assay build/release/bin/assay --model DIR --source train.en --target train.de [--threads 1]

DIR is a model that both read: a Marian, BART or T5 checkpoint, or what a suite's "final" saved. --fresh draws new weights of
Multi30k's size (3+3 blocks of 256) for DIR's tokenizer instead. Needs torch and transformers.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch  # noqa: E402
import transformers  # noqa: E402


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--assay", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--source", required=True)
    p.add_argument("--target", required=True)
    p.add_argument("--fresh", action="store_true")
    p.add_argument("--batch-size", type=int, default=64)
    p.add_argument("--batches", type=int, default=8)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--rounds", type=int, default=3)
    return p.parse_args()


def read_pairs(args, tokenizer):
    n = args.batch_size * args.batches
    sides = []
    for path in (args.source, args.target):
        with open(path, encoding="utf-8") as file:
            sides.append([line.rstrip("\n") for line, _ in zip(file, range(n))])
    sources = tokenizer(sides[0], truncation=True, max_length=128)["input_ids"]
    targets = tokenizer(text_target=sides[1], truncation=True, max_length=128)["input_ids"]
    return list(zip(sources, targets))


def make_fresh(directory, tokenizer):
    end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    config = transformers.MarianConfig(
        vocab_size=len(tokenizer), d_model=256, encoder_layers=3, decoder_layers=3, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=1024, decoder_ffn_dim=1024, activation_function="relu", dropout=0.1,
        scale_embedding=True, max_position_embeddings=128, pad_token_id=pad, eos_token_id=end, forced_eos_token_id=end,
        decoder_start_token_id=pad, bos_token_id=None)
    out = tempfile.mkdtemp()
    transformers.MarianMTModel(config).save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out


def padded(batch, pad):
    def matrix(rows, fill):
        out = torch.full((len(rows), max(map(len, rows))), fill)
        for i, row in enumerate(rows):
            out[i, : len(row)] = torch.tensor(row)
        return out

    sources = [s for s, _ in batch]
    mask = matrix([[1] * len(s) for s in sources], 0)
    return matrix(sources, pad), mask, matrix([t for _, t in batch], -100)


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def assay_run(args, model, batches, work):
    path = os.path.join(work, f"batches-{len(batches)}.jsonl")
    if not os.path.exists(path):
        with open(path, "w", encoding="utf-8") as out:
            for batch in batches:
                out.write(json.dumps({"batch": [{"input_ids": s, "labels": t} for s, t in batch]}) + "\n")
    before = cpu_of_children()
    subprocess.run([args.assay, "tune", model, "--batches", path, "--out", os.path.join(work, "tuned"), "--dropout", "0.1",
                    "--learning-rate", "1e-4", "--threads", str(args.threads)], check=True, capture_output=True)
    return cpu_of_children() - before


def torch_run(model, prepared):
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.0, fused=True)
    before = time.process_time()
    for x, mask, y in prepared:
        model(input_ids=x, attention_mask=mask, labels=y).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    return time.process_time() - before


def main():
    args = arguments()
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    tokenizer = transformers.AutoTokenizer.from_pretrained(args.model)
    directory = make_fresh(args.model, tokenizer) if args.fresh else args.model
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(directory, attn_implementation="sdpa")
    pairs = read_pairs(args, tokenizer)
    batches = [pairs[i : i + args.batch_size] for i in range(0, len(pairs), args.batch_size)]
    prepared = [padded(b, model.config.pad_token_id) for b in batches]
    tokens = sum(len(s) + len(t) for s, t in pairs)
    padding = sum(x.numel() + y.numel() for x, _, y in prepared) / tokens
    rows = []
    torch_run(model, prepared[:1])
    with tempfile.TemporaryDirectory() as work:
        for _ in range(args.rounds):
            ours = assay_run(args, directory, batches + batches[:1], work) - assay_run(args, directory, batches[:1], work)
            rows.append((ours, torch_run(model, prepared)))
    print(f"{len(pairs)} pairs, {tokens} tokens, batch {args.batch_size}, padding factor {padding:.2f}, {args.threads} "
          f"threads, {args.rounds} rounds, load {os.getloadavg()[0]:.1f}, torch {torch.__version__}")
    for name, column in (("assay", 0), ("torch", 1)):
        spent = [r[column] for r in rows]
        ratio = statistics.median(r[column] / r[0] for r in rows)
        print(f"{name:8} CPU {statistics.median(spent):.3f} s ({min(spent):.3f} .. {max(spent):.3f})  "
              f"{tokens / statistics.median(spent):7.0f} tokens/s  {ratio:.2f} x assay's time")


if __name__ == "__main__":
    sys.exit(main())
