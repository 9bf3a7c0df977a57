#!/usr/bin/env python3
"""assay beside CTranslate2 on an encoder-decoder of Marian's base shape (or --shape), in one interleaved run.

6 + 6 layers of 512, 8 heads, 2048 inner, 58,101 words, random weights: so that lengths are forced and speed alone means
anything. BART-large and T5-base are made by Transformers and converted by CTranslate2. Every round runs both in turn, each in a process of its own that has the model open, and takes its CPU time;
ratios are taken round by round and their median is printed.

    python3 translate.py --assay build/release/bin/assay --work DIR [--beam 4] [--types float32,int8]

DIR keeps the two models from one run to the next. Needs ctranslate2, numpy, torch and transformers.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

LAYERS, HIDDEN, HEADS, INNER, WORDS = 6, 512, 8, 2048, 58101


def make_assay(path):
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.MarianConfig(
        vocab_size=WORDS, d_model=HIDDEN, encoder_layers=LAYERS, decoder_layers=LAYERS, encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS, encoder_ffn_dim=INNER, decoder_ffn_dim=INNER, max_position_embeddings=512,
        pad_token_id=WORDS - 1, decoder_start_token_id=WORDS - 1, eos_token_id=0, forced_eos_token_id=None,
        scale_embedding=True, activation_function="silu")
    transformers.MarianMTModel(config).save_pretrained(path)


def make_ctranslate2(path):
    import numpy as np
    from ctranslate2.specs import common_spec, transformer_spec

    rng = np.random.default_rng(0)

    def linear(spec, rows, cols):
        spec.weight = rng.standard_normal((rows, cols), np.float32) * 0.02
        spec.bias = np.zeros(rows, np.float32)

    def norm(spec):
        spec.gamma, spec.beta = np.ones(HIDDEN, np.float32), np.zeros(HIDDEN, np.float32)

    spec = transformer_spec.TransformerSpec.from_config(
        (LAYERS, LAYERS), HEADS, pre_norm=False, activation=common_spec.Activation.SWISH)
    words = ["</s>", "<unk>"] + [f"w{i}" for i in range(WORDS - 3)] + ["<pad>"]
    for side in (spec.encoder, spec.decoder):
        table = side.embeddings[0] if isinstance(side.embeddings, list) else side.embeddings
        table.weight = rng.standard_normal((WORDS, HIDDEN), np.float32) * 0.02
        side.scale_embeddings = True
        side.position_encodings.encodings = rng.standard_normal((512, HIDDEN), np.float32) * 0.02
        for layer in side.layer:
            attention = layer.self_attention
            linear(attention.linear[0], 3 * HIDDEN, HIDDEN), linear(attention.linear[1], HIDDEN, HIDDEN)
            norm(attention.layer_norm)
            norm(layer.ffn.layer_norm)
            linear(layer.ffn.linear_0, INNER, HIDDEN), linear(layer.ffn.linear_1, HIDDEN, INNER)
            if hasattr(layer, "attention"):
                linear(layer.attention.linear[0], HIDDEN, HIDDEN), linear(layer.attention.linear[1], 2 * HIDDEN, HIDDEN)
                linear(layer.attention.linear[2], HIDDEN, HIDDEN), norm(layer.attention.layer_norm)
    linear(spec.decoder.projection, WORDS, HIDDEN)
    spec.register_source_vocabulary(words), spec.register_target_vocabulary(words)
    spec.config.decoder_start_token, spec.config.bos_token = "<pad>", "</s>"
    spec.config.eos_token, spec.config.unk_token = "</s>", "<unk>"
    spec.validate(), spec.optimize(quantization=None)
    os.makedirs(path, exist_ok=True)
    spec.save(path)


def bart_large():
    import transformers

    return transformers.BartForConditionalGeneration(transformers.BartConfig(forced_eos_token_id=None))


def t5_base():
    import transformers

    return transformers.T5ForConditionalGeneration(transformers.T5Config(
        d_model=768, d_ff=3072, num_layers=12, num_heads=12, vocab_size=32128, decoder_start_token_id=0))


MAKERS = {"bart-large": bart_large, "t5-base": t5_base}


def make_both(shape, ours, theirs):
    """A folder for assay, and from it and a made-up vocabulary one for CTranslate2."""
    import ctranslate2
    import tokenizers
    import torch
    import transformers

    torch.manual_seed(0)
    model = MAKERS[shape]()
    model.save_pretrained(ours)
    words = {f"w{i}": i for i in range(model.config.vocab_size)}
    for name in ("pad", "eos", "bos", "unk"):
        index = getattr(model.config, f"{name}_token_id", None)
        index = 3 if index is None else index
        words = {f"<{name}>" if i == index and w[0] == "w" else w: i for w, i in words.items()}
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(tokenizers.models.WordLevel(words, "<unk>")),
        **{f"{name}_token": f"<{name}>" for name in ("pad", "eos", "bos", "unk") if f"<{name}>" in words})
    with_words = theirs + "-from"
    model.save_pretrained(with_words), tokenizer.save_pretrained(with_words)
    ctranslate2.converters.TransformersConverter(with_words).convert(theirs)


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--assay", default="build/release/bin/assay")
    p.add_argument("--work", required=True, help="folder for the models")
    p.add_argument("--shape", choices=["marian", *MAKERS], default="marian")
    p.add_argument("--beam", default="1,4")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--source", type=int, default=24, help="tokens of a source")
    p.add_argument("--target", type=int, default=24, help="tokens of a translation")
    p.add_argument("--types", default="float32", help="compute types of CTranslate2")
    p.add_argument("--assay-options", default="", help="more options of assay predict")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--wall", action="store_true", help="time by the clock, for two threads on an idle machine, and not by CPU time")
    p.add_argument("--rounds", type=int, default=3)
    return p.parse_args()


class Assay:
    def __init__(self, args, beam):
        command = [args.assay, "predict", os.path.join(args.work, args.shape + "-hf"), "--mode", "generate", "-q"]
        command += ["--batch", str(args.batch), "--threads", str(args.threads)] + args.assay_options.split()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.now = time.perf_counter if args.wall else self.cpu
        self.settings = {"num_beams": beam, "min_new_tokens": args.target, "max_new_tokens": args.target}

    def cpu(self):
        total = 0
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            total += int(open(f"/proc/{self.process.pid}/task/{task}/schedstat").read().split()[0])
        return total / 1e9

    def run(self, sources):
        before = self.now()
        lines = [json.dumps({"input_ids": ids, **self.settings}) + "\n" for ids in sources]
        self.process.stdin.write("".join(lines).encode())
        self.process.stdin.flush()
        for _ in sources:
            answer = json.loads(self.process.stdout.readline())
            if len(answer.get("ids", [])) < self.settings["max_new_tokens"]:
                sys.exit(f"assay wrote {answer}")
        return self.now() - before

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    args = arguments()
    import ctranslate2

    ours_path, theirs_path = (os.path.join(args.work, args.shape + end) for end in ("-hf", "-ct2"))
    if args.shape != "marian":
        if not os.path.exists(theirs_path):
            make_both(args.shape, ours_path, theirs_path)
    else:
        for path, make in ((ours_path, make_assay), (theirs_path, make_ctranslate2)):
            if not os.path.exists(path):
                make(path)
    words_of = 30000 if args.shape != "marian" else WORDS - 5
    sources = [[(i * 7919 + s * 104729) % words_of + 2 for i in range(args.source - 1)] + [0] for s in range(args.batch)]
    words = [[f"w{i - 2}" for i in ids[:-1]] + ["</s>"] for ids in sources]
    if args.shape != "marian":
        sources = [[(i * 7919 + s * 104729) % words_of + 4 for i in range(args.source)] for s in range(args.batch)]
        words = [[f"w{i}" for i in ids] for ids in sources]
    units, clock = args.batch * args.target, time.perf_counter if args.wall else time.process_time
    for kind in args.types.split(","):
        peer = ctranslate2.Translator(theirs_path, device="cpu", compute_type=kind,
                                      inter_threads=1, intra_threads=args.threads)
        for beam in (int(b) for b in args.beam.split(",")):
            ours, rows = Assay(args, beam), []
            for r in range(args.rounds + 1):
                a, before = ours.run(sources), clock()
                peer.translate_batch(words, beam_size=beam, min_decoding_length=args.target,
                                     max_decoding_length=args.target, max_batch_size=0)
                b = clock() - before
                if r > 0:  # the first one warms up
                    rows.append((units / a, units / b, b / a))
            ours.close()
            a, b, ratio = (statistics.median(column) for column in zip(*rows))
            low, high = min(r[2] for r in rows), max(r[2] for r in rows)
            print(f"beam {beam}: assay {args.assay_options or 'f32'} {a:.1f} tok/s  CTranslate2 {kind} {b:.1f} tok/s  "
                  f"ratio {ratio:.2f} [{low:.2f}, {high:.2f}]", flush=True)


if __name__ == "__main__":
    main()
