#!/usr/bin/env python3
"""assay beside PyTorch and onnxruntime on one encoder, in one interleaved run.

Every round runs each program once, in turn; ratios are taken round by round and their median is printed. The texts are a
TSV file "text<TAB>label" without a header. PyTorch and onnxruntime pad each batch to its longest text, sorted by length or
not; the padding factor (positions computed over real tokens) is printed, so that a ratio can be read with and without it.
PyTorch waits passively (OMP_WAIT_POLICY), which is its best setting on a busy machine.

    python3 encoder.py --assay build/release/bin/assay --model MINILM-DIR --texts dev.tsv [--tune] [--threads 1]

Needs torch, transformers, and for prediction onnxruntime and onnx.
"""
import argparse
import json
import os
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
    p.add_argument("--texts", help="TSV without header; default: sequences of --length tokens")
    p.add_argument("--length", type=int, default=16)
    p.add_argument("--limit", type=int, default=0, help="at most so many texts, or this many made-up sequences")
    p.add_argument("--batch-size", type=int, default=32)
    p.add_argument("--assay-batch", type=int, default=-1, help="sequences a call of assay; default: all when predicting")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--rounds", type=int, default=10)
    p.add_argument("--tune", action="store_true")
    p.add_argument("--sort", action="store_true", help="peers (and assay, tuning) batch by length")
    p.add_argument("--no-onnx", action="store_true")
    p.add_argument("--busy", type=int, default=0, help="so many endless loops run beside: a busy machine")
    p.add_argument("--wall", action="store_true", help="ratios of wall time instead of CPU time")
    return p.parse_args()


def read(args, tokenizer):
    if not args.texts:
        n = args.limit or 64
        return [[(i * 7919 + 1) % tokenizer.vocab_size for i in range(args.length)]] * n, [i % 2 for i in range(n)]
    rows = [line.rstrip("\n").rsplit("\t", 1) for line in open(args.texts, encoding="utf-8")]
    if args.limit:
        rows = rows[: args.limit]
    return [tokenizer(r[0], truncation=True, max_length=128)["input_ids"] for r in rows], [int(r[1]) for r in rows]


def batches(ids, labels, order, size):
    for begin in range(0, len(order), size):
        chosen = order[begin : begin + size]
        longest = max(len(ids[j]) for j in chosen)
        x = torch.zeros(len(chosen), longest, dtype=torch.long)
        mask = torch.zeros(len(chosen), longest, dtype=torch.long)
        for row, j in enumerate(chosen):
            x[row, : len(ids[j])] = torch.tensor(ids[j])
            mask[row, : len(ids[j])] = 1
        yield x, mask, torch.tensor([labels[j] for j in chosen])


def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def assay_round(args):
    command = [args.assay, "bench", "model", args.model, "--json", "--rounds", "1", "--threads", str(args.threads)]
    if args.texts:
        command += ["--in", args.texts]
    else:
        command += ["--length", str(args.length)]
    if args.limit:
        command += ["--sequences", str(args.limit)]
    if args.tune:
        command += ["--tune", "--batch-size", str(args.batch_size)]
        command += ["--sort"] if args.sort else []
    elif args.assay_batch >= 0:
        command += ["--batch-size", str(args.assay_batch)]
    out = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return out["wall_s"][0], out["cpu_s"][0]


def onnx_session(model, threads):
    import onnxruntime

    path = os.path.join(tempfile.mkdtemp(), "model.onnx")
    x = torch.ones(2, 16, dtype=torch.long)
    axes = {"input_ids": {0: "b", 1: "t"}, "attention_mask": {0: "b", 1: "t"}}
    torch.onnx.export(model, (x, x), path, input_names=list(axes), output_names=["logits"], dynamic_axes=axes,
                      opset_version=17, dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0" if threads > 1 else "1")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def main():
    args = arguments()
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    tokenizer = transformers.AutoTokenizer.from_pretrained(args.model)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        args.model, num_labels=2, attn_implementation="sdpa")
    ids, labels = read(args, tokenizer)
    order = list(range(len(ids)))
    if args.sort:
        order.sort(key=lambda j: len(ids[j]))
    elif args.tune:
        torch.manual_seed(1)
        order = torch.randperm(len(ids)).tolist()
    prepared = list(batches(ids, labels, order, args.batch_size))
    padding = sum(x.numel() for x, _, _ in prepared) / sum(map(len, ids))

    def torch_predict():
        model.eval()
        with torch.inference_mode():
            for x, mask, _ in prepared:
                model(input_ids=x, attention_mask=mask)

    def torch_tune():
        model.train()
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.01, fused=True)
        for x, mask, y in prepared:
            model(input_ids=x, attention_mask=mask, labels=y).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    programs = {"assay": lambda: assay_round(args),
                "torch": lambda: timed(torch_tune if args.tune else torch_predict)}
    if not args.tune and not args.no_onnx:
        session = onnx_session(model.eval(), args.threads)

        def onnx_predict():
            for x, mask, _ in prepared:
                session.run(None, {"input_ids": x.numpy(), "attention_mask": mask.numpy()})

        programs["onnxruntime"] = lambda: timed(onnx_predict)

    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(args.busy)]
    for name in programs:
        if name != "assay":
            programs[name]()
    times = {name: [] for name in programs}
    for _ in range(args.rounds):
        for name, run in programs.items():
            times[name].append(run())
    for loop in loops:
        loop.kill()
    column = 0 if args.wall else 1
    tokens = sum(map(len, ids))
    print(f"{len(ids)} sequences, {tokens} tokens, batch {args.batch_size}, padding factor {padding:.2f}, "
          f"{args.threads} threads, {args.rounds} rounds, load {os.getloadavg()[0]:.1f}, torch {torch.__version__}")
    for name, rows in times.items():
        spent = [r[column] for r in rows]
        ratio = statistics.median(t[column] / a[column] for t, a in zip(rows, times["assay"]))
        print(f"{name:12} {'wall' if args.wall else 'CPU'} {statistics.median(spent):.4f} s "
              f"({min(spent):.4f} .. {max(spent):.4f})  {tokens / statistics.median(spent):9.0f} tokens/s  "
              f"{ratio:.2f} x assay's time")


if __name__ == "__main__":
    sys.exit(main())
