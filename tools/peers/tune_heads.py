#!/usr/bin/env python3
"""assay beside PyTorch, tuning an encoder on questions (windows of 384 tokens, stride 128) or on tags of words, in one
interleaved run.

Both get the same token ids and labels in the same batches: `assay tune --batches` one step a line, PyTorch padded to the
longest row of each batch, as its users do. A round of assay is the CPU time of a run of all batches less that of a run of
one, so that opening the model does not count. PyTorch waits passively (OMP_WAIT_POLICY), its best setting on a busy machine.

    python3 tune_heads.py --assay build/release/bin/assay --model MINILM-DIR --task qa --data dev-v1.1.json
    python3 tune_heads.py --assay build/release/bin/assay --model MINILM-DIR --task ner --data train.conll --threads 2

Needs torch and transformers.
"""
import argparse
import json
import os
import random
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

IGNORED = -100


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--assay", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--task", choices=["qa", "ner"], required=True)
    p.add_argument("--data", required=True, help="SQuAD JSON, or columns with the tag last")
    p.add_argument("--batch-size", type=int, default=16)
    p.add_argument("--steps", type=int, default=3, help="batches a round, beside the one that is taken off")
    p.add_argument("--rounds", type=int, default=4)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--wall", action="store_true", help="ratios of wall time instead of CPU time")
    p.add_argument("--assay-options", default="", help="further options of assay tune, in one text")
    return p.parse_args()


def read_questions(path, tokenizer, n):
    out = []
    articles = json.load(open(path, encoding="utf-8"))["data"]
    for article in articles[:: max(1, len(articles) // 8)]:
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                windows = tokenizer(qa["question"], paragraph["context"], truncation="only_second", max_length=384,
                                    stride=128, return_overflowing_tokens=True, return_offsets_mapping=True)
                answer = qa["answers"][0] if qa["answers"] else None
                for w, ids in enumerate(windows["input_ids"]):
                    label = [0, 0]
                    sequence, offsets = windows.sequence_ids(w), windows["offset_mapping"][w]
                    if answer:
                        first, last = answer["answer_start"], answer["answer_start"] + len(answer["text"]) - 1
                        begin = [i for i, o in enumerate(offsets) if sequence[i] == 1 and o[0] <= first < o[1]]
                        end = [i for i, o in enumerate(offsets) if sequence[i] == 1 and o[0] <= last < o[1]]
                        if begin and end:
                            label = [begin[0], end[0]]
                    out.append((ids, windows["token_type_ids"][w], label))
                    if len(out) == n:
                        return out, 2
    return out, 2


def read_tags(path, tokenizer, n):
    sentences, words, tags = [], [], []
    for line in open(path, encoding="utf-8"):
        columns = line.rstrip("\n").split("\t")
        if len(columns) > 1 and columns[0].strip():
            words.append(columns[0])
            tags.append(columns[-1])
        elif words:
            sentences.append((words, tags))
            words, tags = [], []
    names = sorted({t for _, ts in sentences for t in ts})
    out = []
    for words, tags in sentences[:n]:
        pieces = tokenizer(words, is_split_into_words=True, truncation=True, max_length=128)
        labels, last = [], None
        for word in pieces.word_ids():
            labels.append(names.index(tags[word]) if word is not None and word != last else IGNORED)
            last = word
        out.append((pieces["input_ids"], pieces["token_type_ids"], labels))
    return out, len(names)


def padded(batch, by_token):
    longest = max(len(ids) for ids, _, _ in batch)
    rows = {key: torch.zeros(len(batch), longest, dtype=torch.long) for key in ("ids", "types", "mask")}
    labels = torch.full((len(batch), longest), IGNORED) if by_token else torch.tensor([b[2] for b in batch])
    for row, (ids, types, label) in enumerate(batch):
        rows["ids"][row, : len(ids)] = torch.tensor(ids)
        rows["types"][row, : len(ids)] = torch.tensor(types)
        rows["mask"][row, : len(ids)] = 1
        if by_token:
            labels[row, : len(ids)] = torch.tensor(label)
    return rows, labels


def write_batches(batches, path):
    with open(path, "w", encoding="utf-8") as out:
        for batch in batches:
            out.write(json.dumps({"batch": [{"input_ids": i, "token_type_ids": t, "labels": y} for i, t, y in batch]}))
            out.write("\n")


def timed_child(command):
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    wall, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    args = arguments()
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    tokenizer = transformers.AutoTokenizer.from_pretrained(args.model)
    is_qa = args.task == "qa"
    n = args.batch_size * (args.steps + 1)
    examples, n_labels = (read_questions if is_qa else read_tags)(args.data, tokenizer, 2000)
    random.Random(1).shuffle(examples)  # as in an epoch
    examples = examples[:n]
    batches = [examples[i : i + args.batch_size] for i in range(0, n, args.batch_size)]
    kind = transformers.AutoModelForQuestionAnswering if is_qa else transformers.AutoModelForTokenClassification
    model = kind.from_pretrained(args.model, num_labels=n_labels, attn_implementation="sdpa")
    folder = tempfile.mkdtemp()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for name in ("vocab.txt", "tokenizer.json"):
        with open(os.path.join(args.model, name), "rb") as source, open(os.path.join(folder, name), "wb") as target:
            target.write(source.read())
    files = {count: os.path.join(folder, f"batches-{count}.jsonl") for count in (1, len(batches))}
    for count, path in files.items():
        write_batches(batches[:count], path)

    def assay(count):
        return timed_child([args.assay, "tune", folder, "--batches", files[count], "--out", os.path.join(folder, "out"),
                            "--threads", str(args.threads), "--learning-rate", "1e-5", "--weight-decay", "0.01",
                            "--quiet"] + args.assay_options.split())

    def assay_round():
        whole, one = assay(len(batches)), assay(1)
        return whole[0] - one[0], whole[1] - one[1]

    prepared = [padded(b, not is_qa) for b in batches]

    def torch_steps(chosen):
        model.train()
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.01, fused=True)
        wall, cpu = time.perf_counter(), time.process_time()
        for rows, labels in chosen:
            given = ({"start_positions": labels[:, 0], "end_positions": labels[:, 1]} if is_qa else {"labels": labels})
            model(input_ids=rows["ids"], token_type_ids=rows["types"], attention_mask=rows["mask"],
                  **given).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        return time.perf_counter() - wall, time.process_time() - cpu

    torch_steps(prepared[:1])
    times = {"assay": [], "torch": []}
    for _ in range(args.rounds):
        times["assay"].append(assay_round())
        times["torch"].append(torch_steps(prepared[1:]))
    column = 0 if args.wall else 1
    tokens = sum(len(e[0]) for b in batches[1:] for e in b)
    positions = sum(rows["ids"].numel() for rows, _ in prepared[1:])
    print(f"{args.task}: {len(batches) - 1} batches of {args.batch_size}, {tokens} tokens, padding factor "
          f"{positions / tokens:.2f}, {args.threads} threads, {args.rounds} rounds, load {os.getloadavg()[0]:.1f}, "
          f"torch {torch.__version__}")
    for name, rows in times.items():
        spent = [r[column] for r in rows]
        ratio = statistics.median(t[column] / a[column] for t, a in zip(rows, times["assay"]))
        print(f"{name:12} {'wall' if args.wall else 'CPU'} {statistics.median(spent):.3f} s "
              f"({min(spent):.3f} .. {max(spent):.3f})  {tokens / statistics.median(spent):9.0f} tokens/s  "
              f"{ratio:.2f} x assay's time")


if __name__ == "__main__":
    sys.exit(main())
