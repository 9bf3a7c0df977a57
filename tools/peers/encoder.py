#!/usr/bin/env python3
"""assay beside PyTorch, onnxruntime and CTranslate2 on one encoder, in one interleaved run.

Every round runs each program once, in turn; ratios are taken round by round and their median is printed. The texts are a
TSV file "text<TAB>label" without a header. PyTorch and onnxruntime pad each batch to its longest text, sorted by length or
not; the padding factor (positions computed over real tokens) is printed, so that a ratio can be read with and without it.
PyTorch waits passively (OMP_WAIT_POLICY), which is its best setting on a busy machine.

--compute bf16 is PyTorch in bfloat16 (and CTranslate2 where it takes that on this CPU); int8 is PyTorch's dynamic
quantisation, onnxruntime's with a scale a channel, and CTranslate2's int8. --bert-base and --shape make an encoder of
other sizes with random weights, in --work. CTranslate2 has no classifier here: it gives hidden states.

    python3 encoder.py --assay build/release/bin/assay --model MINILM-DIR --texts dev.tsv [--tune] [--threads 1]
    python3 encoder.py --model MINILM-DIR --length 128 --limit 8 --batch-size 8 --compute int8 --bert-base --work DIR

Needs torch, transformers, and for prediction onnxruntime, onnx and ctranslate2.
"""
import argparse
import concurrent.futures
import copy
import functools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch  # noqa: E402
import transformers  # noqa: E402


SHAPES = ("xlm-roberta-base", "deberta-v3-base", "modernbert-base")


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--assay", default="build/release/bin/assay")
    p.add_argument("--model", help="folder; not needed with --shape")
    p.add_argument("--bert-base", action="store_true", help="12 layers of 768 with random weights, --model's tokenizer")
    p.add_argument("--shape", choices=SHAPES, help="a base model of this kind with random weights, for sequences of --length")
    p.add_argument("--work", help="folder for models made here; default: a temporary one")
    p.add_argument("--compute", choices=["f32", "bf16", "int8"], default="f32", help="predicting: of all programs")
    p.add_argument("--texts", help="TSV without header; default: sequences of --length tokens")
    p.add_argument("--squad", help="instead: the questions with their contexts of a SQuAD file")
    p.add_argument("--max-length", type=int, default=128, help="tokens a text is cut to")
    p.add_argument("--length", type=int, default=16)
    p.add_argument("--limit", type=int, default=0, help="at most so many texts, or this many made-up sequences")
    p.add_argument("--batch-size", type=int, default=32)
    p.add_argument("--assay-batch", type=int, default=-1, help="sequences a call of assay; default: all when predicting")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--rounds", type=int, default=10)
    p.add_argument("--tune", action="store_true")
    p.add_argument("--sort", action="store_true", help="peers (and assay, tuning) batch by length")
    p.add_argument("--peers", default="torch,onnxruntime,ctranslate2")
    p.add_argument("--busy", type=int, default=0, help="so many endless loops run beside: a busy machine")
    p.add_argument("--wall", action="store_true", help="ratios of wall time instead of CPU time")
    return p.parse_args()


def read(args, tokenizer):
    if not args.texts:
        n = args.limit or 64
        words = tokenizer.vocab_size if tokenizer else 30000
        return [[(i * 7919 + 7) % words for i in range(args.length)]] * n, [i % 2 for i in range(n)]
    rows = [line.rstrip("\n").rsplit("\t", 1) for line in open(args.texts, encoding="utf-8")]
    if args.limit:
        rows = rows[: args.limit]
    ids = [tokenizer(r[0], truncation=True, max_length=args.max_length)["input_ids"] for r in rows]
    return ids, [int(r[1]) for r in rows]


def squad_texts(args):
    """The file of texts that every program reads: contexts of a SQuAD file, each once."""
    path = os.path.join(args.work, "squad.tsv")
    with open(path, "w", encoding="utf-8") as out:
        for article in json.load(open(args.squad, encoding="utf-8"))["data"]:
            for i, paragraph in enumerate(article["paragraphs"]):
                out.write(" ".join(paragraph["context"].split()) + f"\t{i % 2}\n")
    return path


def make_bert_base(args):
    path = os.path.join(args.work, "bert-base")
    if not os.path.exists(path):
        torch.manual_seed(0)
        config = transformers.BertConfig(vocab_size=30522)
        transformers.BertModel(config).save_pretrained(path)
        settings = json.load(open(os.path.join(path, "config.json")))
        settings["position_embedding_type"] = "absolute"  # CTranslate2's converter asks for it
        json.dump(settings, open(os.path.join(path, "config.json"), "w"))
        for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
            shutil.copy(os.path.join(args.model, name), path)
    return path


def make_shape(args):
    path = os.path.join(args.work, args.shape)
    if os.path.exists(path):
        return path
    torch.manual_seed(0)
    base = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
    if args.shape == "xlm-roberta-base":
        config = transformers.XLMRobertaConfig(vocab_size=250002, max_position_embeddings=514, type_vocab_size=1,
                                               layer_norm_eps=1e-5, pad_token_id=1, bos_token_id=0, eos_token_id=2, **base)
    elif args.shape == "deberta-v3-base":
        config = transformers.DebertaV2Config(vocab_size=128100, max_position_embeddings=512, type_vocab_size=0,
                                              layer_norm_eps=1e-7, relative_attention=True, position_buckets=256,
                                              norm_rel_ebd="layer_norm", share_att_key=True, pos_att_type=["p2c", "c2p"],
                                              position_biased_input=False, max_relative_positions=-1, **base)
    else:
        config = transformers.ModernBertConfig()  # is base
    config.num_labels = 2
    transformers.AutoModelForSequenceClassification.from_config(config).save_pretrained(path)
    return path


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
    if not args.tune:
        command += ["--compute", args.compute]
    if args.texts:
        command += ["--in", args.texts, "--max-length", str(args.max_length)]
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


def torch_predictor(args, model, prepared):
    model = copy.deepcopy(model).eval()
    if args.compute == "bf16":
        model = model.to(torch.bfloat16)
    elif args.compute == "int8":
        warnings.filterwarnings("ignore")
        model = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)

    def predict():
        with torch.inference_mode():
            for x, mask, _ in prepared:
                model(input_ids=x, attention_mask=mask)

    return predict


def onnx_predictor(args, model, prepared):
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic

    if args.compute == "bf16":
        return None  # its CPU kernels have none
    path = os.path.join(args.work, f"{args.shape or 'model'}.onnx")
    x = torch.ones(2, 16, dtype=torch.long)
    axes = {"input_ids": {0: "b", 1: "t"}, "attention_mask": {0: "b", 1: "t"}}
    torch.onnx.export(model.eval(), (x, x), path, input_names=list(axes), output_names=["logits"], dynamic_axes=axes,
                      opset_version=17, dynamo=False)
    if args.compute == "int8":
        whole, path = path, os.path.join(args.work, "model-int8.onnx")
        quantize_dynamic(whole, path, weight_type=QuantType.QInt8, per_channel=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0" if args.threads > 1 else "1")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def predict():
        for x, mask, _ in prepared:
            session.run(None, {"input_ids": x.numpy(), "attention_mask": mask.numpy()})

    return predict


def ctranslate2_predictor(args, prepared, split):
    """split: each batch goes in parts to as many workers of one thread, its better way with several threads."""
    import ctranslate2

    kind = {"f32": "float32", "bf16": "bfloat16", "int8": "int8"}[args.compute]
    if kind not in ctranslate2.get_supported_compute_types("cpu"):
        print(f"ctranslate2 has no {kind} on this CPU")
        return None
    path = os.path.join(args.work, "ctranslate2-" + os.path.basename(os.path.normpath(args.model)))
    if not os.path.exists(path):
        ctranslate2.converters.TransformersConverter(args.model).convert(path)
    parts = args.threads if split else 1
    encoder = ctranslate2.Encoder(path, device="cpu", compute_type=kind, inter_threads=parts,
                                  intra_threads=args.threads // parts)
    inputs = [[row[keep == 1].tolist() for row, keep in zip(x, mask)] for x, mask, _ in prepared]
    callers = concurrent.futures.ThreadPoolExecutor(parts)

    def predict():
        for batch in inputs:
            list(callers.map(encoder.forward_batch, [batch[i::parts] for i in range(min(parts, len(batch)))]))

    return predict


def main():
    args = arguments()
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    args.work = args.work or tempfile.mkdtemp()
    if args.bert_base:
        args.model = make_bert_base(args)
    if args.shape:
        args.model = make_shape(args)
    if args.squad:
        args.texts = squad_texts(args)
    tokenizer = None if args.shape else transformers.AutoTokenizer.from_pretrained(args.model)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        args.model, num_labels=2, attn_implementation="eager" if args.shape == "deberta-v3-base" else "sdpa")
    ids, labels = read(args, tokenizer)
    order = list(range(len(ids)))
    if args.sort:
        order.sort(key=lambda j: len(ids[j]))
    elif args.tune:
        torch.manual_seed(1)
        order = torch.randperm(len(ids)).tolist()
    prepared = list(batches(ids, labels, order, args.batch_size))
    padding = sum(x.numel() for x, _, _ in prepared) / sum(map(len, ids))

    def torch_tune():
        model.train()
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.01, fused=True)
        for x, mask, y in prepared:
            model(input_ids=x, attention_mask=mask, labels=y).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    wanted = args.peers.split(",")
    works = {"torch": torch_tune} if args.tune else {}
    if not args.tune and "torch" in wanted:
        works["torch"] = torch_predictor(args, model, prepared)
    if not args.tune and "onnxruntime" in wanted:
        works["onnxruntime"] = onnx_predictor(args, model, prepared)
    if not args.tune and "ctranslate2" in wanted:
        works["ctranslate2"] = ctranslate2_predictor(args, prepared, False)
        if args.threads > 1:
            works["ct2 split"] = ctranslate2_predictor(args, prepared, True)
    programs = {"assay": lambda: assay_round(args)}
    for name, work in works.items():
        if work:
            programs[name] = functools.partial(timed, work)

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
    print(f"{args.compute}: {len(ids)} sequences, {tokens} tokens, batch {args.batch_size}, padding factor {padding:.2f}, "
          f"{args.threads} threads, {args.rounds} rounds, load {os.getloadavg()[0]:.1f}, torch {torch.__version__}")
    for name, rows in times.items():
        spent = [r[column] for r in rows]
        ratio = statistics.median(t[column] / a[column] for t, a in zip(rows, times["assay"]))
        print(f"{name:12} {'wall' if args.wall else 'CPU'} {statistics.median(spent):.4f} s "
              f"({min(spent):.4f} .. {max(spent):.4f})  {tokens / statistics.median(spent):9.0f} tokens/s  "
              f"{ratio:.2f} x assay's time")


if __name__ == "__main__":
    sys.exit(main())
