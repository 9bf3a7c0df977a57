#!/usr/bin/env python3
"""Folders whose tokenizer_config.json and tokenizer.json disagree, through assay and through AutoTokenizer of Transformers.

Every round takes a tokenizer.json of one of the MODELs, names a class and a model_type beside it, draws options of that class,
special and added tokens in any of the files that may hold them, and compares ids, pieces, offsets and decoded texts. Nothing is
measured. Needs transformers.

    python3 tokenizer_classes.py --assay build/release/bin/assay --rounds 200 MODEL...

With --write it makes tests/models/tokenizer_classes.json instead: a folder of each class, and what AutoTokenizer makes of texts.

    python3 tokenizer_classes.py --write tests/models/tokenizer_classes.json ../shared/models/tok-*
"""
import argparse
import json
import os
import random
import shutil
import sys
import tempfile

import tokenizer_cases as cases

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_OFFLINE"] = "1"
from transformers import AutoTokenizer  # noqa: E402

# kind of the model: classes, and model types whose configs name none
CLASSES = {
    "WordPiece": [("BertTokenizer", "bert"), ("BertTokenizerFast", "bert"), ("DistilBertTokenizer", "distilbert"), ("ElectraTokenizer", "electra"),
                  ("MPNetTokenizer", "mpnet"), ("MobileBertTokenizer", "mobilebert"), (None, "bert"), (None, "mpnet"), (None, "electra"),
                  ("PreTrainedTokenizerFast", "modernbert"), ("PreTrainedTokenizerFast", "bert"), (None, "modernbert"), ("BertTokenizer", "nomic_bert"),
                  (None, "nomic_bert"), ("BertTokenizer", "new"), ("BertTokenizer", None), (None, None), ("BertTokenizer", "roberta"),
                  ("SqueezeBertTokenizer", "squeezebert"), ("BertTokenizer", "modernbert")],
    "bytes": [("GPT2Tokenizer", "gpt2"), ("GPT2TokenizerFast", "gpt_neo"), (None, "gpt2"), ("RobertaTokenizer", "roberta"), (None, "roberta"),
              ("BartTokenizer", "bart"), (None, "bart"), ("Qwen2Tokenizer", "qwen2"), ("Qwen2TokenizerFast", "qwen3"), (None, "qwen3"),
              ("PreTrainedTokenizerFast", "llama"), (None, "llama"), ("LlamaTokenizer", "llama"), ("GPTNeoXTokenizer", "gpt_neox"), (None, "olmo"),
              ("GPT2Tokenizer", "gpt_bigcode"), ("GPT2Tokenizer", "starcoder2"), ("CodeGenTokenizer", "phi"), (None, "phi"), ("GPT2Tokenizer", "opt"),
              ("PreTrainedTokenizerFast", "qwen2"), ("CohereTokenizer", "cohere"), ("DebertaTokenizer", "deberta"), (None, "deberta"),
              ("BlenderbotTokenizer", "blenderbot"), ("PreTrainedTokenizerFast", "falcon"), ("GPT2Tokenizer", "granite"), (None, "bloom"),
              ("BloomTokenizerFast", "bloom"), ("TokenizersBackend", "mistral"), ("Qwen2Tokenizer", "qwen3_5_text"), (None, "qwen3_5"),
              ("GPTNeoXTokenizerFast", "modernbert"), ("GPTNeoXTokenizer", "stablelm"), ("GPT2Tokenizer", "olmo2"), ("GPT2Tokenizer", None)],
    "BPE": [("LlamaTokenizer", "llama"), ("LlamaTokenizerFast", "llama"), ("LlamaTokenizer", "mistral"), (None, "mistral"), ("CodeLlamaTokenizer", "llama"),
            ("LlamaTokenizer", "phi3"), ("GemmaTokenizer", "gemma"), (None, "gemma2"), ("GemmaTokenizerFast", "gemma3_text"), (None, "llama"),
            ("PreTrainedTokenizerFast", "llama"), ("LlamaTokenizer", None), ("LlamaTokenizer", "granite"), ("NllbTokenizer", "m2m_100"),
            ("LlamaTokenizerFast", "deepseek_v2")],
    "Unigram": [("T5Tokenizer", "t5"), ("T5TokenizerFast", "mt5"), (None, "t5"), ("XLMRobertaTokenizer", "xlm-roberta"), (None, "xlm-roberta"),
                ("XLMRobertaTokenizerFast", "bert"), ("AlbertTokenizer", "albert"), (None, "albert"), ("DebertaV2Tokenizer", "deberta-v2"), (None, "deberta-v2"),
                ("PegasusTokenizer", "pegasus"), ("CamembertTokenizer", "camembert"), ("BigBirdTokenizer", "big_bird"), ("RemBertTokenizer", "rembert"),
                ("XGLMTokenizer", "xglm"), ("T5Tokenizer", "umt5"), ("PreTrainedTokenizerFast", "t5"), ("MBartTokenizer", "mbart"),
                ("XLMRobertaTokenizer", "new"), ("T5Tokenizer", None)],
}
FLAGS = {"do_lower_case": (True, False), "strip_accents": (True, False, None), "tokenize_chinese_chars": (True, False), "add_prefix_space": (True, False),
         "add_bos_token": (True, False), "add_eos_token": (True, False), "trim_offsets": (True, False), "keep_accents": (True, False),
         "split_by_punct": (True, False), "legacy": (True, False), "clean_up_tokenization_spaces": (True, False), "extra_ids": (0, 5, 100),
         "model_max_length": (16, 512), "padding_side": ("left", "right"), "truncation_side": ("left", "right"), "errors": ("replace",)}
ROLES = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]


def kind_of(j):
    model = j["model"]["type"]
    text = json.dumps([j["pre_tokenizer"], j["decoder"]])
    return "bytes" if model == "BPE" and "ByteLevel" in text else model


def flags_of(r, content):
    return {"content": content, "single_word": r.random() < 0.2, "lstrip": r.random() < 0.3, "rstrip": r.random() < 0.3, "normalized": r.random() < 0.4,
            "special": r.random() < 0.7}


def token_of(r, content):
    if r.random() < 0.6:
        return content
    token = flags_of(r, content)
    if r.random() < 0.7:
        token["__type"] = "AddedToken"
    if r.random() < 0.5:
        token.pop("special")
    return token


def folder_of(r, source, folder, chosen=None):
    j = json.load(open(os.path.join(source, "tokenizer.json"), encoding="utf-8"))
    name, model_type = chosen or r.choice(CLASSES[kind_of(j)])
    config = {"tokenizer_class": name} if name else {}
    for key, values in FLAGS.items():
        if r.random() < 0.2:
            config[key] = r.choice(values)
    known = {t["content"]: t["id"] for t in j["added_tokens"]}
    vocab = j["model"]["vocab"]
    pieces = list(vocab) if isinstance(vocab, dict) else [p for p, _ in vocab]
    pool = list(known) + ["[NEW]", "<new>", "cat", "X Y"] + r.sample(pieces, 2)
    homes = [config, config, {}]
    roles = {}
    for role in ROLES:
        stated = next((c for c in known if role[:3] in c.lower()), None)
        if stated and r.random() < 0.5:
            roles[role] = token_of(r, stated)
        elif r.random() < 0.07:
            roles[role] = token_of(r, r.choice(pool))
    r.choice(homes).update({}) if not roles else config.update(roles)
    if r.random() < 0.35:
        some = {str(i): flags_of(r, c) for c, i in known.items() if r.random() < 0.8}
        if r.random() < 0.5:
            some[str(max([len(pieces)] + list(known.values())) + 1)] = flags_of(r, "[NEW]")
        config["added_tokens_decoder"] = some
    elif r.random() < 0.3:
        json.dump({k: v for k, v in roles.items() if not isinstance(v, dict) or "__type" not in v}, open(os.path.join(folder, "special_tokens_map.json"), "w"))
    if r.random() < 0.15:
        json.dump({"[NEW]": len(pieces) + 40, "<other>": len(pieces) + 41}, open(os.path.join(folder, "added_tokens.json"), "w"))
    if r.random() < 0.15:
        config[r.choice(["additional_special_tokens", "extra_special_tokens"])] = ["[NEW]", "<x1>"]
    if r.random() < 0.9 or name:
        json.dump(config, open(os.path.join(folder, "tokenizer_config.json"), "w"))
    if model_type:
        json.dump({"model_type": model_type}, open(os.path.join(folder, "config.json"), "w"))
    shutil.copy(os.path.join(source, "tokenizer.json"), folder)
    return name, model_type, config, pool


def run_peer(t, case):
    try:
        e = t(case["text"], case.get("pair"), add_special_tokens=case.get("special", True), return_token_type_ids=True, padding=False, truncation=False)[0]
    except BaseException as x:
        if isinstance(x, KeyboardInterrupt):
            raise
        return {"error": str(x)[:300]}
    return cases.window(e)


def expected(r, source, chosen, folder):
    """A folder of the class and what its texts become, as a test reads them; None where the peer refuses it."""
    os.makedirs(folder)
    _, _, _, pool = folder_of(r, source, folder, chosen)
    try:
        t = AutoTokenizer.from_pretrained(folder)
        texts = []
        for case in cases.cases_of(r, 5, pool):
            case = {k: v for k, v in case.items() if k in ("text", "pair", "special") and len(v if isinstance(v, str) else "") < 60 and v != ""}
            if "text" not in case or "\0" in case["text"] + case.get("pair", ""):
                continue
            e = run_peer(t, case)
            ids = e["ids"]
            texts.append({**case, "ids": ids, "decoded": t.decode(ids), "decoded_skip_special": t.decode(ids, skip_special_tokens=True)})
    except Exception:
        return None
    files = {n: open(os.path.join(folder, n), encoding="utf-8").read() for n in sorted(os.listdir(folder)) if n != "tokenizer.json"}
    return {"model": os.path.basename(source), "class": type(t).__name__, "files": files, "texts": texts}


def write(path, models, seed):
    work = tempfile.mkdtemp()
    out = []
    for kind, rows in CLASSES.items():
        sources = [m for m in models if kind_of(json.load(open(os.path.join(m, "tokenizer.json"), encoding="utf-8"))) == kind]
        for i, chosen in enumerate(rows):
            for attempt in range(9):
                r = random.Random(seed * 1000 + i * 10 + attempt)
                case = expected(r, r.choice(sources), chosen, os.path.join(work, f"{kind}-{i}-{attempt}"))
                if case and len(case["texts"]) > 1:
                    out.append(case)
                    break
    with open(path, "w", encoding="utf-8") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in out) + "\n]\n")
    shutil.rmtree(work)
    print(f"{len(out)} folders")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="+")
    p.add_argument("--assay", default="build/release/bin/assay")
    p.add_argument("--rounds", type=int, default=100)
    p.add_argument("--cases", type=int, default=30)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--keep", default=None)
    p.add_argument("--write", default=None)
    args = p.parse_args()
    if args.write:
        return write(args.write, [m.rstrip("/") for m in args.models], args.seed)
    work = args.keep or tempfile.mkdtemp()
    os.makedirs(work, exist_ok=True)
    counts = {"rounds": 0, "cases": 0, "different": 0, "refused by the peer": 0}
    for i in range(args.rounds):
        r = random.Random(args.seed * 1000003 + i)
        source = r.choice(args.models)
        folder = os.path.join(work, f"{args.seed}-{i}")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        name, model_type, config, pool = folder_of(r, source, folder)
        try:
            t = AutoTokenizer.from_pretrained(folder)
            t("a")
        except BaseException as x:
            if isinstance(x, KeyboardInterrupt):
                raise
            counts["refused by the peer"] += 1
            shutil.rmtree(folder)
            continue
        counts["rounds"] += 1
        inputs = [{k: v for k, v in c.items() if k in ("text", "pair", "special")} for c in cases.cases_of(r, args.cases, pool)]
        inputs = [c for c in inputs if c.get("pair") != ""]  # which Transformers takes for none
        counts["cases"] += len(inputs)
        ours, why = cases.run_assay(args.assay, folder, inputs)
        found = []
        if ours is None:
            found.append(why)
        else:
            for case, a in zip(inputs, ours):
                b = run_peer(t, case)
                if "error" not in b and "token_type_ids" not in t.model_input_names and "error" not in a:
                    b["type_ids"] = a["type_ids"]
                what = cases.difference(a, b)
                if what:
                    found.append(json.dumps(case)[:300] + "\n    " + what[:500])
            rows = [{"ids": a["ids"]} for a in ours if "ids" in a]
            back, why = cases.run_assay(args.assay, folder, rows, "--decode")
            for row, a in zip(rows, back or []):
                b = {"text": t.decode(row["ids"]), "text_skip_special": t.decode(row["ids"], skip_special_tokens=True)}
                a = {k: a.get(k) for k in b}
                if a != b:
                    found.append(f"decode {str(row)[:200]}\n    {str(a)[:300]}\n    peer {str(b)[:300]}")
        if found:
            counts["different"] += 1
            print(f"round {i} of seed {args.seed}: {len(found)} of {name} ({model_type}, {type(t).__name__}) at {folder}\n  {json.dumps(config)[:500]}\n  {found[0]}",
                  flush=True)
        else:
            shutil.rmtree(folder)
    print(json.dumps(counts))
    return 1 if counts["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
