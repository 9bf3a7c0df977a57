#!/usr/bin/env python3
"""Draws configurations of small models at random, member by member, and holds assay's answers to those of Transformers.

A draw has sizes (odd ones too, one layer, one head of keys), some members of config.json that change numbers, a spelling
(the present one, or the older one of rotary scalings), a head, and a form of its files (f32, bf16, f16, one file or shards).
Texts are of 1 to 37 tokens, with padding among them and of padding alone. Compared are logits or hidden states; of a
language model log-likelihoods, greedy texts and beams too. What assay refuses is counted and printed.

    python tools/peers/configs.py --assay build/release/bin/assay [--kinds bert,llama] [--draws 40] [--seed 1] [--keep FOLDER]
"""
import argparse
import collections
import copy
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")
import torch
import transformers as T

T.logging.set_verbosity(50)
T.logging.disable_progress_bar()
torch.set_num_threads(1)
LENGTHS = [1, 2, 5, 12, 21, 37]
TOLERANCE = 1e-4  # of the largest number of an answer

ACTS = ["gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "quick_gelu", "relu", "relu2", "silu", "mish", "tanh"]
EPS = [1e-12, 1e-6, 1e-3, 0.05]
BOTH = [True, False]
HEADS = ["ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering"]


def windows(n):
    return [1, 2, 3, n // 2, 1000, None]


def rotations(rng, kind, dims):
    """A rotary scaling that the kind has; texts stand on both sides of the context that was trained on first."""
    n = max(dims // 2, 1)
    first = rng.choice([8, 16, 30])
    factors = {"short_factor": [1 + 0.1 * i for i in range(n)], "long_factor": [2 + 0.3 * i for i in range(n)]}
    yarn = {"rope_type": "yarn", "factor": rng.choice([0.5, 1.0, 4.0, 7.5]), "original_max_position_embeddings": first}
    for key, values in {"beta_fast": [4, 32.0, None], "beta_slow": [0.5, 1, None], "attention_factor": [0.7, 1.0, None],
                        "mscale": [0, 0.707, 1.3], "mscale_all_dim": [0, 1.0, 0.4], "truncate": BOTH}.items():
        if rng.random() < 0.3:
            yarn[key] = rng.choice(values)
    long = {"rope_type": "longrope", "original_max_position_embeddings": first, **factors}
    if rng.random() < 0.5:
        long["factor"] = rng.choice([1.0, 4.0])
    if rng.random() < 0.3:
        long["attention_factor"] = 0.8
    llama3 = {"rope_type": "llama3", "factor": rng.choice([4.0, 8.0]), "low_freq_factor": 1.0,
              "high_freq_factor": rng.choice([4.0, 2.0]), "original_max_position_embeddings": first}
    plain = [{"rope_type": "default"}, {"rope_type": "linear", "factor": rng.choice([0.5, 2.5])}, llama3, yarn]
    dynamic = {"rope_type": "dynamic", "factor": rng.choice([1.0, 3.0])}
    return rng.choice({"gemma3_text": plain, "phi3": [plain[0], long, long]}.get(kind, plain + [dynamic, long]))


# ---- what is drawn ----

def encoder_sizes(rng):
    heads = rng.choice([1, 2, 3, 4])
    return dict(vocab_size=rng.choice([29, 41, 64]), hidden_size=heads * rng.choice([6, 8, 10, 16]), num_attention_heads=heads,
                num_hidden_layers=rng.choice([1, 2, 3]), intermediate_size=rng.choice([17, 30, 48]),
                max_position_embeddings=48)


def decoder_sizes(rng):
    kv, group, dim = rng.choice([1, 2, 3]), rng.choice([1, 2, 3]), rng.choice([6, 8, 10, 16])
    out = dict(encoder_sizes(rng), num_attention_heads=kv * group, num_key_value_heads=kv, max_position_embeddings=64)
    out["hidden_size"] = kv * group * dim
    if rng.random() < 0.5:
        out["head_dim"] = rng.choice([6, 8, 12, 16])
    return out


def renamed(sizes, names):
    return {names.get(k, k): v for k, v in sizes.items() if names.get(k, k)}


def seq2seq_sizes(rng):
    heads, others = rng.choice([(1, 2), (2, 2), (4, 2), (3, 6)])
    return dict(vocab_size=rng.choice([31, 41]), d_model=heads * others * rng.choice([4, 6]), encoder_layers=rng.choice([1, 2]),
                decoder_layers=rng.choice([1, 2]), encoder_attention_heads=heads, decoder_attention_heads=others,
                encoder_ffn_dim=rng.choice([17, 30]), decoder_ffn_dim=rng.choice([20, 33]), max_position_embeddings=48,
                pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=None)


def t5_sizes(rng):
    buckets = rng.choice([8, 9, 16])
    return dict(vocab_size=rng.choice([31, 41]), d_model=rng.choice([16, 22]), d_kv=rng.choice([6, 5, 8]),
                d_ff=rng.choice([17, 30]),
                num_heads=rng.choice([1, 3, 4]), num_layers=rng.choice([1, 2]), num_decoder_layers=rng.choice([1, 2, 3]),
                relative_attention_num_buckets=buckets, relative_attention_max_distance=rng.choice([buckets, 20, 128]),
                pad_token_id=0, eos_token_id=1, decoder_start_token_id=0)


BERT = {"hidden_act": ACTS, "layer_norm_eps": EPS, "type_vocab_size": [1, 2, 3], "pad_token_id": [0, 1, 5, None],
        "tie_word_embeddings": BOTH, "position_embedding_type": ["absolute"]}
LLAMA = {"hidden_act": ACTS, "rms_norm_eps": EPS, "attention_bias": BOTH, "mlp_bias": BOTH, "tie_word_embeddings": BOTH,
         "pad_token_id": [0, 3, None]}
GEMMA = {"hidden_activation": ACTS, "rms_norm_eps": EPS, "attention_bias": BOTH, "tie_word_embeddings": BOTH,
         "query_pre_attn_scalar": [1, 7, 224], "final_logit_softcapping": [None, 3.0], "sliding_window": [1, 2, 3, 7, 1000],
         "pad_token_id": [0, 3, None]}
BART = {"activation_function": ACTS, "scale_embedding": BOTH, "tie_word_embeddings": BOTH}
GPT2 = {"activation_function": ACTS, "layer_norm_epsilon": EPS, "scale_attn_weights": BOTH, "n_inner": [None, 17],
        "scale_attn_by_inverse_layer_idx": BOTH, "reorder_and_upcast_attn": BOTH, "tie_word_embeddings": BOTH,
        "pad_token_id": [0, 3, None]}
T5 = {"feed_forward_proj": ["relu", "gelu", "gated-gelu", "gated-silu", "gelu_new", "gated-relu"], "layer_norm_epsilon": EPS,
      "tie_word_embeddings": BOTH, "scale_decoder_outputs": BOTH}

DISTILBERT = {"hidden_size": "dim", "num_attention_heads": "n_heads", "num_hidden_layers": "n_layers",
              "intermediate_size": "hidden_dim"}
GPT2_NAMES = {"hidden_size": "n_embd", "num_attention_heads": "n_head", "num_hidden_layers": "n_layer",
              "max_position_embeddings": "n_positions", "intermediate_size": ""}

# kind: sizes, members, the stem of its classes, the head of its language model, other heads
KINDS = {
    "bert": (encoder_sizes, BERT, "Bert", "ForMaskedLM", HEADS + ["ForPreTraining", "Model"]),
    "roberta": (encoder_sizes, dict(BERT, pad_token_id=[0, 1, 3]), "Roberta", "ForMaskedLM", HEADS + ["Model"]),
    "xlm-roberta": (encoder_sizes, dict(BERT, pad_token_id=[0, 1, 3]), "XLMRoberta", "ForMaskedLM", HEADS + ["Model"]),
    "distilbert": (lambda rng: renamed(encoder_sizes(rng), DISTILBERT),
                   {"activation": ["gelu", "relu", "silu"], "sinusoidal_pos_embds": BOTH, "pad_token_id": [0, 1, None],
                    "tie_word_embeddings": BOTH}, "DistilBert", "ForMaskedLM", HEADS + ["Model"]),
    "modernbert": (encoder_sizes, {
        "hidden_activation": ACTS, "norm_eps": EPS, "norm_bias": BOTH, "attention_bias": BOTH, "mlp_bias": BOTH,
        "decoder_bias": BOTH, "classifier_pooling": ["mean", "cls"], "classifier_bias": BOTH, "classifier_activation": ACTS,
        "local_attention": [2, 3, 8, 1000], "global_attn_every_n_layers": [1, 2, 3], "tie_word_embeddings": BOTH,
        "pad_token_id": [0, 3], "global_rope_theta": [500.0], "local_rope_theta": [90.0, None]},
        "ModernBert", "ForMaskedLM", HEADS + ["Model"]),
    "gpt2": (lambda rng: renamed(encoder_sizes(rng), GPT2_NAMES),
             GPT2, "GPT2", "LMHeadModel", HEADS + ["Model"]),
    "llama": (decoder_sizes, dict(LLAMA, pretraining_tp=[1, 2]), "Llama", "ForCausalLM", HEADS + ["Model"]),
    "mistral": (decoder_sizes, dict({k: LLAMA[k] for k in LLAMA if "bias" not in k}, sliding_window=windows(14)), "Mistral",
                "ForCausalLM", HEADS + ["Model"]),
    "qwen2": (decoder_sizes, dict({k: LLAMA[k] for k in LLAMA if "bias" not in k}, use_sliding_window=BOTH,
                                  sliding_window=windows(8), max_window_layers=[0, 1, 2, 28]), "Qwen2", "ForCausalLM",
              HEADS + ["Model"]),
    "qwen3": (decoder_sizes, dict({k: LLAMA[k] for k in LLAMA if k != "mlp_bias"}, use_sliding_window=BOTH,
                                  sliding_window=windows(8), max_window_layers=[0, 1, 2, 28]), "Qwen3", "ForCausalLM",
              HEADS + ["Model"]),
    "phi3": (decoder_sizes, dict({k: LLAMA[k] for k in LLAMA if "bias" not in k}, sliding_window=windows(8),
                                 partial_rotary_factor=[1.0, 0.5], original_max_position_embeddings=[8, 16, 64]), "Phi3",
             "ForCausalLM", HEADS[:2] + ["Model"]),
    "gemma2": (decoder_sizes, dict(GEMMA, attn_logit_softcapping=[None, 1.5]), "Gemma2", "ForCausalLM", HEADS[:2] + ["Model"]),
    "gemma3_text": (decoder_sizes, dict(GEMMA, rope_local_base_freq=[90.0], sliding_window_pattern=[1, 2, 3]), "Gemma3",
                    "ForCausalLM", []),
    "bart": (seq2seq_sizes, dict(BART, forced_bos_token_id=[None, 0, 5]), "Bart", "ForConditionalGeneration",
             ["ForSequenceClassification", "ForQuestionAnswering"]),
    "mbart": (seq2seq_sizes, BART, "MBart", "ForConditionalGeneration", ["ForSequenceClassification", "ForQuestionAnswering"]),
    "marian": (seq2seq_sizes, dict(BART, share_encoder_decoder_embeddings=BOTH, decoder_vocab_size=[31, 29],
                                   normalize_before=[False], static_position_embeddings=[True]), "Marian", "MTModel", []),
    "t5": (t5_sizes, T5, "T5", "ForConditionalGeneration", HEADS + ["EncoderModel"]),
    "mt5": (t5_sizes, T5, "MT5", "ForConditionalGeneration", HEADS + ["EncoderModel"]),
    "umt5": (t5_sizes, T5, "UMT5", "ForConditionalGeneration", HEADS + ["EncoderModel"]),
}
TURNING = {"llama", "mistral", "qwen2", "qwen3", "phi3", "gemma2", "gemma3_text"}
SEQ2SEQ = {"bart", "mbart", "marian", "t5", "mt5", "umt5"}


def put_rotation(rng, kind, config):
    """In the present spelling, or in the older one."""
    dims = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    parameters = rotations(rng, kind, int(dims * config.get("partial_rotary_factor", 1)))
    theta = rng.choice([100.0, 10000.0, 1e6])
    if rng.random() < 0.5:
        config["rope_theta"] = theta
        if parameters["rope_type"] != "default" and kind != "gemma3_text" and rng.random() < 0.5:
            parameters["type"] = parameters.pop("rope_type")
        config["rope_scaling"] = parameters if len(parameters) > 1 else None
    elif kind == "gemma3_text":
        config["rope_parameters"] = {"full_attention": dict(parameters, rope_theta=theta),
                                     "sliding_attention": {"rope_type": "default", "rope_theta": 90.0}}
    else:
        config["rope_parameters"] = dict(parameters, rope_theta=theta)


def draw(rng, kind):
    sizes, members, stem, usual, others = KINDS[kind]
    head = usual if rng.random() < 0.5 or not others else rng.choice(others)
    config = {"model_type": kind, "architectures": [stem + head], **sizes(rng)}
    for key, values in members.items():
        if rng.random() < 0.35:
            config[key] = rng.choice(values)
    if kind == "phi3":
        config.pop("head_dim", None)
    if kind in TURNING and rng.random() < 0.8:
        put_rotation(rng, kind, config)
    if kind in TURNING | {"gpt2"}:  # those that the kinds have otherwise are beyond small vocabularies
        config.update(bos_token_id=None, eos_token_id=rng.choice([None, 2]))
        config.setdefault("pad_token_id", None)
    if kind == "modernbert":
        config.setdefault("pad_token_id", 0)
        config.update(bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2)
    if head.endswith("Classification"):
        n = rng.choice([1, 2, 5])
        config.update(id2label={str(i): f"L{i}" for i in range(n)}, label2id={f"L{i}": i for i in range(n)})
        config["problem_type"] = rng.choice([None, "multi_label_classification", "regression"])
    return config


# ---- the model and its files ----

def build(config, folder, rng):
    """The model of this config.json, and its files in a drawn form."""
    os.makedirs(folder)
    with open(f"{folder}/config.json", "w") as file:
        json.dump(config, file)
    told = T.AutoConfig.from_pretrained(folder)
    model = getattr(T, config["architectures"][0])._from_config(told, attn_implementation="eager")
    dtype = rng.choice([torch.float32, torch.float32, torch.bfloat16, torch.float16])
    generator = torch.Generator().manual_seed(rng.randrange(1 << 30))
    stored = set(model.state_dict())
    with torch.no_grad():
        for name, p in [*model.named_parameters(), *((n, b) for n, b in model.named_buffers() if n in stored)]:
            if not p.is_floating_point() or (p.dim() > 1 and "embed_positions" in name and not p.requires_grad):
                continue
            values = (torch.rand(p.shape, generator=generator) * 2 - 1) * (0.35 if p.dim() > 1 else 0.3)
            p.copy_((values + (p.dim() < 2 and name.endswith("weight"))).to(dtype).float())
    if rng.random() < 0.5:  # config.json as Transformers writes it
        os.remove(f"{folder}/config.json")
    drawn = config if os.path.exists(f"{folder}/config.json") else None
    copy.deepcopy(model).to(dtype).save_pretrained(folder, max_shard_size=rng.choice(["1GB", "20KB"]))
    if drawn:
        with open(f"{folder}/config.json", "w") as file:
            json.dump(drawn, file)
    return model.eval()


def texts(rng, config):
    pad, n = config.get("pad_token_id"), config["vocab_size"]
    n = min(n, config.get("decoder_vocab_size", n)) if not config.get("share_encoder_decoder_embeddings", True) else n
    words = [i for i in range(3, n) if i != pad]
    out = [[rng.choice(words) for _ in range(length)] for length in LENGTHS]
    if isinstance(pad, int):
        out += [[pad] * 3, [words[0], pad, words[1], words[2], pad], [pad, pad, *words[:4]]]
    is_classifier = config["architectures"][0].endswith("SequenceClassification")
    if is_classifier and config["model_type"] in SEQ2SEQ:
        out = [[*text, config["eos_token_id"]] for text in out]
    return out


# ---- answers ----

def run(assay, folder, cases, *options):
    done = subprocess.run([assay, "predict", folder, "-q", "--threads", "1", *options], text=True, capture_output=True,
                          input="".join(json.dumps(case) + "\n" for case in cases))
    if not done.stdout:
        raise ValueError(done.stderr.strip())
    return [json.loads(line) for line in done.stdout.splitlines()]


def is_pair(config):
    return config["architectures"][0].endswith(("Generation", "MTModel"))


def forward(model, config, text):
    ids = torch.tensor([text])
    more = {"decoder_input_ids": ids[:, :9]} if is_pair(config) else {}
    with torch.no_grad():
        out = model(input_ids=ids, attention_mask=torch.ones_like(ids), **more)
    if "start_logits" in out:
        return torch.stack([out.start_logits[0], out.end_logits[0]])
    for key in ("prediction_logits", "logits"):
        if key in out:
            return out[key][0]
    return out.last_hidden_state[0].mean(0)


def difference(theirs, ours):
    """The largest, over the largest number."""
    ours = torch.tensor([[float(x) for x in row] if isinstance(row, list) else float(row) for row in ours])
    if theirs.numel() != ours.numel():
        return float("inf")
    return ((theirs - ours.reshape(theirs.shape)).abs().max() / max(theirs.abs().max().item(), 1e-3)).item()


def apart(model, config, text, ours, read=lambda numbers: numbers):
    """Where rounding grows, ours may be as far from what double gives as Transformers is."""
    theirs = read(forward(model, config, text))
    found = difference(theirs, ours)
    if found > TOLERANCE:
        exact = read(forward(copy.deepcopy(model).double(), config, text)).float()
        if difference(exact, ours) <= 4 * difference(exact, theirs.tolist()):
            return TOLERANCE
    return found


def compare_forward(assay, folder, model, config, cases):
    is_bare = config["architectures"][0].endswith("Model") and "LMHead" not in config["architectures"][0]
    options = ["--mode", "embed", "--pool", "mean"] if is_bare else ["--mode", "logits"]
    lines = [{"input_ids": text, **({"decoder_input_ids": text[:9]} if is_pair(config) else {})} for text in cases]
    worst = 0
    for text, got in zip(cases, run(assay, folder, lines, *options)):
        numbers = got.get("embedding") or got.get("logits") or [got.get("start_logits"), got.get("end_logits")]
        if "error" in got:
            raise ValueError(got["error"])
        worst = max(worst, apart(model, config, text, numbers))
    return worst


def compare_likelihoods(assay, folder, model, config, cases):
    cases = [text for text in cases if len(text) > 4]
    lines = [{"context_ids": text[:3], "continuation_ids": text[3:]} for text in cases]
    worst = 0
    for text, got in zip(cases, run(assay, folder, lines, "--mode", "loglik")):
        def read(logits, text=text):
            log = logits.log_softmax(-1)
            return torch.stack([log[i - 1, text[i]] for i in range(3, len(text))])

        worst = max(worst, apart(model, config, text, got["token_logprobs"], read))
    return worst


def generation(rng, config):
    out = {"max_new_tokens": rng.choice([4, 9])}
    members = {"min_new_tokens": [3, 9], "num_beams": [2, 3, 4], "length_penalty": [0.0, 0.7, 2.0],
               "early_stopping": [True, False, "never"], "no_repeat_ngram_size": [2, 3], "repetition_penalty": [1.3, 0.8],
               "suppress_tokens": [[4, 5]],
               "begin_suppress_tokens": [[8, 9]], "bad_words_ids": [[[9], [10, 11]]], "forced_eos_token_id": [2]}
    if config["model_type"] in SEQ2SEQ:
        members.update(forced_bos_token_id=[7], encoder_no_repeat_ngram_size=[2])
    for key, values in members.items():
        if rng.random() < 0.3:
            out[key] = rng.choice(values)
    if "num_beams" not in out:
        out.pop("length_penalty", None)
        out.pop("early_stopping", None)
    return out


def compare_generation(assay, folder, model, config, cases, rng):
    """Ids of texts that the two write differently: none, or the first."""
    asked = generation(rng, config)
    cases = [text for text in cases[:4]]
    answers = run(assay, folder, [{"input_ids": text, **asked} for text in cases], "--mode", "generate")
    kept = ("eos_token_id", "bos_token_id", "decoder_start_token_id")
    given = T.GenerationConfig(**{k: getattr(model.generation_config, k) for k in kept})
    pad = model.config.pad_token_id
    given.pad_token_id = pad if pad is not None else 0
    given.update(**asked)
    for text, got in zip(cases, answers):
        ids = torch.tensor([text])
        try:
            with torch.no_grad():
                made = model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=given)[0].tolist()
        except IndexError:  # its caches have as many layers as the encoder; of others the decoder may have more
            return None
        theirs = made[1:] if is_pair(config) else made[len(text):]
        ours = got.get("ids", [])
        if theirs[:len(ours)] != ours or any(x != given.pad_token_id for x in theirs[len(ours):]):
            return f"{asked} {text}: {theirs}, here {ours} {got.get('error', '')}"
    return None


def one(assay, folder, config, rng, generates):
    """The largest difference, and what else differs."""
    try:
        model = build(config, folder, rng)
        cases = texts(rng, config)
        for text in cases:
            forward(model, config, text)
    except Exception as e:  # Transformers knows many ways to say no
        return None, f"Transformers: {type(e).__name__}: {str(e)[:120]}"
    try:
        worst = compare_forward(assay, folder, model, config, cases)
        kind = config["architectures"][0]
        is_causal = kind.endswith(("CausalLM", "LMHeadModel"))
        if is_causal:
            worst = max(worst, compare_likelihoods(assay, folder, model, config, cases))
        # Caches of Transformers keep everything for windows of one token, and see it.
        writes = (is_causal or is_pair(config)) and config.get("sliding_window") != 1
        told = compare_generation(assay, folder, model, config, cases, rng) if generates and writes else None
    except ValueError as e:
        return None, f"refused: {str(e)[-200:]}"
    return worst, told


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assay", default="build/release/bin/assay")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="folder for the models of draws that differ")
    parser.add_argument("--no-generation", action="store_true")
    args = parser.parse_args()
    n_differ = 0
    for kind in args.kinds.split(","):
        worst, counts, drawn = 0.0, collections.Counter(), set()
        for i in range(args.draws):
            rng = random.Random(f"{args.seed} {kind} {i}")
            config = draw(rng, kind)
            with tempfile.TemporaryDirectory() as top:
                found, told = one(args.assay, f"{top}/model", config, rng, not args.no_generation)
                differs = found is not None and (found > TOLERANCE or told)
                if differs and args.keep:
                    shutil.copytree(f"{top}/model", f"{args.keep}/{kind}-{args.seed}-{i}", dirs_exist_ok=True)
            counts["differ" if differs else "same" if found is not None else told.split(":")[0]] += 1
            if found is not None:
                drawn.update(config)
                worst = max(worst, found)
            if differs or (told and told.startswith("refused")):
                print(f"  {kind} {i}: {found} {told}\n    {json.dumps(config)}", flush=True)
            n_differ += bool(differs)
        print(f"{kind}: {dict(counts)}, {len(drawn)} members, largest difference {worst:.2g}", flush=True)
    return 1 if n_differ else 0


if __name__ == "__main__":
    sys.exit(main())
