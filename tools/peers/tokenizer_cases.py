#!/usr/bin/env python3
"""Random tokenizers and random texts through assay and through Hugging Face tokenizers: ids, pieces, offsets, types, windows, decoding.

Every round draws a tokenizer.json (normalizers, pre-tokenizers, a model trained on drawn texts, post-processor, decoder, added
tokens, each with drawn settings) or takes one of the MODELs, and texts that are made to hurt. What differs is printed with what
makes it happen again, and kept in --keep. Nothing is measured. Needs tokenizers.

    python3 tokenizer_cases.py --assay build/release/bin/assay --rounds 200 [MODEL...]
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import unicodedata

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import tokenizers  # noqa: E402
from tokenizers import models, trainers  # noqa: E402

WORDS = ("the cat sat on a mat , and then it didn't ; they've we'll I'M don't U.S.A. e-mail a_b 3.14 1,000 2024 x2 HELLO Straße "
         "ﬁne İstanbul ΣΊΣΥΦΟΣ naïve café Zürich фильм Ёлка 日本語 東京タワー カタカナ ｶﾀｶﾅ ひらがな 한국어 中文字符 ไทยภาษา กำลัง नमस्ते "
         "क्षि العربية السَّلَامُ שָׁלוֹם ქართული ấn ﷺ ﬀ ½ ² Ⅷ ① ℌ ℃ ㌀ 𝔘 𝟘 𐍈 😀 👩‍👩‍👧‍👦 👍🏽 🇩🇪 ❤️ #️⃣ … “q” ‘s’ — – ¿ ¡ $5 €7 £ %").split()
BLANKS = [" ", " ", " ", " ", "  ", "   ", "\n", "\r", "\r\n", "\t", "\u00a0", "\u2003", "\u3000", "\u2028", "\u0085", "\u200b", "\ufeff",
          "\u1680", "\u180e", "\x0b", "\x0c", "\x1c", "\u202f", "\u205f", ""]
SINGLES = list("\u0000\u0001\u0007\u001f\u007f\u00ad\u0300\u0301\u0308\u0327\u0345\u064b\u0651\u05b0\u093c\u0e31\u0e49\u1160\u11a8\u200c\u200d"
               "\u200e\u200f\u202a\u202e\u2066\u2069\ufe0f\ufe0e\ufffd\uffff\u2581\u0120\u010a\u0130\u0131\u017f\u1e9e\u212a\u2126\u00b5"
               "\u0390\u03b0\u03c2\u1fb3\ufb01\ufb03\ufdfa\uff21\uff10\u2460\u24b6\u1f130\u0f77\u0958\u0344\u0343\u1100\u1161\uac00\uac01"
               "\u2f00\u2e80\uf900\ufa0e\u3400\u4dbf\u4e00\u9fff\U00020000\U0002f800\U000e0001\U000e0041\U0001f1e6\U0001f3fb\U0010ffff"
               "\u1c89\ua7cb\ua7dc\U00010d50\U0001e5d0\u0897\U0001fae9\U00016d40\ua7ce\U0001ccd6")
RANGES = [(0x20, 0x7e), (0xa0, 0x24f), (0x300, 0x36f), (0x370, 0x52f), (0x590, 0x6ff), (0x900, 0xd7f), (0xe00, 0xe7f), (0x1780, 0x17ff),
          (0x1e00, 0x1fff), (0x2000, 0x2bff), (0x3000, 0x30ff), (0x4e00, 0x9fff), (0xac00, 0xd7a3), (0xf900, 0xffef),
          (0x1d400, 0x1d7ff), (0x1f000, 0x1faff), (0x20000, 0x2a6df), (0, 0x10ffff)]


ONLY_KNOWN = "--known" in sys.argv  # characters that this Python's Unicode has


def one_char(r):
    if r.random() < 0.4:
        c = ord(r.choice(SINGLES))
    else:
        low, high = r.choice(RANGES)
        c = r.randint(low, high)
    return "x" if 0xd800 <= c <= 0xdfff or (ONLY_KNOWN and unicodedata.category(chr(c)) == "Cn") else chr(c)


def text_of(r, extra=()):
    if r.random() < 0.03:
        return ""
    if r.random() < 0.05:
        return r.choice(BLANKS) * r.randint(1, 30)
    if r.random() < 0.05:
        return r.choice([r.choice("a0-_.ä日😀\u0301"), r.choice(WORDS), one_char(r)]) * r.randint(50, 400)
    out = []
    for _ in range(r.randint(1, 14)):
        k = r.random()
        if k < 0.5:
            out.append(r.choice(WORDS))
        elif k < 0.62:
            out.append("".join(one_char(r) for _ in range(r.randint(1, 4))))
        elif k < 0.72 and extra:
            out.append(r.choice(extra))
        elif k < 0.8:
            out.append(r.choice(WORDS) + one_char(r))
        else:
            out.append("".join(r.choice(r.choice(WORDS)) for _ in range(r.randint(1, 5))))
        out.append(r.choice(BLANKS))
    return "".join(out)


# ---- components ----

REGEXES = [r"\s+", r"\w+", r"\W", r"\d", r"\d{1,3}", r"[a-z]+", r"[^\s]+", r"\p{L}+", r"\p{N}{1,3}", r"[[:alnum:]]+", r"[[:punct:]]", r"\p{P}+",
           r"[[:space:]]", r"[[:upper:]]", r"[[:lower:]]+", r"[[:alpha:]]+", r"[^[:alnum:]]", r"\b", r"(?i)the|cat", r" ?\p{L}+| ?\p{N}+", r"\p{Lu}\p{Ll}*",
           r"[\r\n]+", r"a|b|c", r".", r"\p{M}", r"[\p{L}\p{M}]+", r"\p{Han}", r"\p{Hiragana}+|\p{Katakana}+", r"\p{Greek}", r"\s+(?!\S)|\s+",
           r"[^\r\n\p{L}\p{N}]?\p{L}+", r"\S+", r"\h", r"x*", r"\p{Emoji}", r"\p{S}", r"[[:cntrl:]]", r"[[:graph:]]+", r"[[:print:]]+", r"[[:word:]]+",
           r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
           r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
           r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"]
STRINGS = [" ", "a", "the", "'", "\u2581", "ä", "日", "\n", "  ", ".", "", "\u0301", "😀", "cat"]
BEHAVIOURS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]


def yes(r):
    return r.random() < 0.5


def pattern(r):
    return {"Regex": r.choice(REGEXES)} if yes(r) else {"String": r.choice(STRINGS)}


def normalizer(r, charsmaps):
    kind = r.choice(["BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Strip", "StripAccents", "Prepend", "Replace", "Replace",
                     "Precompiled", "Nmt", "ByteLevel"])
    if kind == "BertNormalizer":
        return {"type": kind, "clean_text": yes(r), "handle_chinese_chars": yes(r), "strip_accents": r.choice([None, True, False]),
                "lowercase": yes(r)}
    if kind == "Strip":
        return {"type": kind, "strip_left": yes(r), "strip_right": yes(r)}
    if kind == "Prepend":
        return {"type": kind, "prepend": r.choice(["\u2581", "x", " ", "ab"])}
    if kind == "Replace":
        return {"type": kind, "pattern": pattern(r), "content": r.choice(["", " ", "\u2581", "x", "ab", "é", "日"])}
    if kind == "Precompiled":
        return {"type": kind, "precompiled_charsmap": r.choice(charsmaps)} if charsmaps else {"type": "NFKC"}
    return {"type": kind}


def pretokenizer(r):
    kind = r.choice(["BertPreTokenizer", "ByteLevel", "ByteLevel", "CharDelimiterSplit", "Metaspace", "Metaspace", "Whitespace", "WhitespaceSplit", "Punctuation",
                     "Split", "Split", "Split", "Digits", "UnicodeScripts", "FixedLength"])
    if kind == "ByteLevel":
        return {"type": kind, "add_prefix_space": yes(r), "trim_offsets": yes(r), "use_regex": yes(r)}
    if kind == "CharDelimiterSplit":
        return {"type": kind, "delimiter": r.choice(" a.日\u0301-")}
    if kind == "Metaspace":
        return {"type": kind, "replacement": r.choice(["\u2581", "\u2581", "_", "日"]), "prepend_scheme": r.choice(["always", "never", "first"]), "split": yes(r)}
    if kind == "Punctuation":
        return {"type": kind, "behavior": r.choice(BEHAVIOURS)}
    if kind == "Split":
        return {"type": kind, "pattern": pattern(r), "behavior": r.choice(BEHAVIOURS), "invert": yes(r)}
    if kind == "Digits":
        return {"type": kind, "individual_digits": yes(r)}
    if kind == "FixedLength":
        return {"type": kind, "length": r.randint(1, 6)}
    return {"type": kind}


def decoder(r):
    kind = r.choice(["ByteLevel", "WordPiece", "Metaspace", "ByteFallback", "Fuse", "Strip", "Replace", "BPEDecoder", "CTC"])
    if kind == "WordPiece":
        return {"type": kind, "prefix": r.choice(["##", "a", ""]), "cleanup": yes(r)}
    if kind == "Metaspace":
        return {"type": kind, "replacement": r.choice(["\u2581", "_"]), "prepend_scheme": r.choice(["always", "never", "first"]), "split": yes(r)}
    if kind == "Strip":
        return {"type": kind, "content": r.choice([" ", "a", "\u2581", "日"]), "start": r.randint(0, 2), "stop": r.randint(0, 2)}
    if kind == "Replace":
        return {"type": kind, "pattern": pattern(r), "content": r.choice(["", " ", "x", "é"])}
    if kind == "BPEDecoder":
        return {"type": kind, "suffix": r.choice(["</w>", "a", ""])}
    if kind == "CTC":
        return {"type": kind, "pad_token": r.choice(["<pad>", "a"]), "word_delimiter_token": r.choice(["|", "e", ""]), "cleanup": yes(r)}
    if kind == "ByteLevel":
        return {"type": kind, "add_prefix_space": yes(r), "trim_offsets": yes(r), "use_regex": yes(r)}
    return {"type": kind}


def list_of(r, one, key, *args):
    n = r.choice([0, 1, 1, 1, 2, 2, 3])
    parts = [one(r, *args) for _ in range(n)]
    return None if n == 0 and yes(r) else parts[0] if n == 1 and yes(r) else {"type": "Sequence", key: parts}


def post_processor(r, ids):
    kind = r.choice(["none", "template", "template", "bert", "roberta", "bytes", "sequence"])
    names = list(ids)
    trim = {"type": "ByteLevel", "add_prefix_space": yes(r), "trim_offsets": yes(r), "use_regex": yes(r)}
    a, b = r.choice(names), r.choice(names)
    template = {"type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": a, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": r.choice([0, 0, 3])}},
                           {"SpecialToken": {"id": b, "type_id": 0}}][r.randint(0, 1):r.choice([2, 3, 3])],
                "pair": [{"SpecialToken": {"id": a, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": b, "type_id": 0}},
                         {"Sequence": {"id": "B", "type_id": r.choice([0, 1, 1])}}, {"SpecialToken": {"id": b, "type_id": 1}}],
                "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in {a, b}}}
    if kind == "none":
        return None
    if kind == "template":
        return template
    if kind == "bert":
        return {"type": "BertProcessing", "sep": [a, ids[a]], "cls": [b, ids[b]]}
    if kind == "roberta":
        return {"type": "RobertaProcessing", "sep": [a, ids[a]], "cls": [b, ids[b]], "trim_offsets": yes(r), "add_prefix_space": yes(r)}
    return trim if kind == "bytes" else {"type": "Sequence", "processors": [trim, template] if yes(r) else [template, trim]}


# ---- models ----

def train(r, normal, words, texts, kind):
    base = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": normal, "pre_tokenizer": words,
            "post_processor": None, "decoder": None,
            "model": {"type": "WordLevel", "vocab": {}, "unk_token": "<unk>"}}
    t = tokenizers.Tokenizer.from_str(json.dumps(base))
    size = r.randint(60, 600)
    special = ["<unk>", "<s>", "</s>"]
    if kind == "BPE":
        t.model = models.BPE(unk_token="<unk>")
        affixes = {"continuing_subword_prefix": r.choice(["", "##", "@@"]), "end_of_word_suffix": r.choice(["", "</w>"])} if r.random() < 0.3 else {}
        trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False, limit_alphabet=r.choice([60, 300]), **affixes)
    elif kind == "WordPiece":
        t.model = models.WordPiece(unk_token="<unk>")
        trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, show_progress=False, limit_alphabet=r.choice([60, 300]))
    elif kind == "Unigram":
        t.model = models.Unigram()
        trainer = trainers.UnigramTrainer(vocab_size=size, special_tokens=special, unk_token="<unk>", show_progress=False)
    else:
        t.model = models.WordLevel(unk_token="<unk>")
        trainer = trainers.WordLevelTrainer(vocab_size=size, special_tokens=special, show_progress=False)
    t.train_from_iterator(texts, trainer)
    return json.loads(t.to_str())["model"]


BYTES = [f"<0x{i:02X}>" for i in range(256)]


def vary_model(r, m):
    if m["type"] == "BPE":
        m["unk_token"] = r.choice([None, "<unk>", "<unk>"])
        m["fuse_unk"], m["byte_fallback"], m["ignore_merges"] = yes(r), r.random() < 0.3, r.random() < 0.3
        m["dropout"] = r.choice([None, None, 0.0])
        if m["byte_fallback"] and yes(r):
            for b in BYTES:
                m["vocab"].setdefault(b, len(m["vocab"]))
        if r.random() < 0.2:
            keep = [x for x in m["merges"] if r.random() < 0.8]
            m["merges"] = keep
    elif m["type"] == "Unigram":
        m["byte_fallback"] = r.random() < 0.3
        if m["byte_fallback"] and yes(r):
            have = {p for p, _ in m["vocab"]}
            m["vocab"] += [[b, -20.0] for b in BYTES if b not in have]
        if r.random() < 0.2:
            for p in m["vocab"]:
                p[1] = float(round(p[1]))
    elif m["type"] == "WordPiece":
        m["max_input_chars_per_word"] = r.choice([100, 100, 5, 20])


def added_tokens(r, n_vocab, names):
    out, seen = [], set()
    pool = ["<mask>", "<pad>", "cat", "the", " ", "  ", "\n", "\t", "日本", "a", "ab", "[X]", "É", "ｶ", "<|x|>", " x ", "x y", "'s", "\u00a0", "\u3000", "don", "1", "12", "_", "-", "😀",
            "İ", "ß", "ﬁ", "e\u0301", "\u0301", "\u200d", "The Cat", "<unk>", "<s>", "</s>"] + names
    for i in range(r.choice([0, 1, 2, 3, 6, 12])):
        content = r.choice(pool)
        if content in seen:
            continue
        seen.add(content)
        out.append({"id": n_vocab + len(out), "content": content, "single_word": r.random() < 0.3, "lstrip": r.random() < 0.4, "rstrip": r.random() < 0.4,
                    "normalized": yes(r), "special": yes(r)})
    return out


def tokenizer_of(r, charsmaps):
    texts = [text_of(r) for _ in range(60)]
    normal = list_of(r, normalizer, "normalizers", charsmaps)
    words = list_of(r, pretokenizer, "pretokenizers")
    kind = r.choice(["BPE", "BPE", "WordPiece", "Unigram", "WordLevel"])
    m = train(r, normal, words, texts, kind)
    vary_model(r, m)
    vocab = m["vocab"] if isinstance(m["vocab"], dict) else {p: i for i, (p, _) in enumerate(m["vocab"])}
    names = r.sample(sorted(vocab), min(5, len(vocab)))
    added = added_tokens(r, len(vocab), [n for n in names if n])
    for token in added:
        token["id"] = vocab.get(token["content"], token["id"])
    nexts = len(vocab)
    for token in added:
        if token["content"] not in vocab:
            token["id"], nexts = nexts, nexts + 1
    ids = {t: vocab[t] for t in ("<unk>", "<s>", "</s>") if t in vocab} or dict([next(iter(vocab.items()))])
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": normal, "pre_tokenizer": words,
            "post_processor": post_processor(r, ids), "decoder": list_of(r, decoder, "decoders"), "model": m}


# ---- comparing ----

def cases_of(r, n, extra):
    out = []
    for _ in range(n):
        case = {"text": text_of(r, extra)}
        if r.random() < 0.3:
            case["pair"] = text_of(r, extra)
        if r.random() < 0.2:
            case["special"] = False
        if r.random() < 0.35:
            case["max_length"] = r.randint(2, 30)
            if "pair" in case and yes(r):
                case["strategy"] = r.choice(["longest_first", "only_first", "only_second"])
            if yes(r):
                case["stride"] = r.randint(0, 4)
        out.append(case)
    return out


def run_assay(assay, path, cases, *flags):
    text = "".join(json.dumps(c) + "\n" for c in cases)
    done = subprocess.run([assay, "tokenize", path, "-q", *flags], input=text.encode(), capture_output=True)
    lines = done.stdout.decode().splitlines()
    if len(lines) != len(cases):
        return None, done.stderr.decode()[-600:] + f" rc {done.returncode}"
    return [json.loads(x) for x in lines], ""


def window(e):
    return {"ids": e.ids, "tokens": e.tokens, "offsets": [list(o) for o in e.offsets], "type_ids": e.type_ids}


def run_peer(t, case):
    try:
        t.no_truncation()
        if "max_length" in case:
            t.enable_truncation(case["max_length"], stride=case.get("stride", 0), strategy=case.get("strategy", "longest_first"))
        e = t.encode(case["text"], case.get("pair"), add_special_tokens=case.get("special", True))
    except BaseException as x:  # a panic of Rust is none of Exception
        if isinstance(x, KeyboardInterrupt):
            raise
        return {"error": str(x)[:200]}
    return {"windows": [window(e)] + [window(o) for o in e.overflowing]} if "stride" in case else window(e)


KEYS = ("ids", "tokens", "offsets", "type_ids")
# Where assay refuses more, or less, on purpose: no room for the special tokens; a stride that would not leave room, if it were needed.
MEANT = ("leaves no room for", "tokenizer stride set to", "Truncation error",
         # panics of the peer
         "AddedVocabulary bad split", "is not a char boundary", "index out of bounds", "slice index starts")


def windows_of(answer):
    return [{k: w[k] for k in KEYS} for w in answer.get("windows", [answer])]


def difference(ours, theirs):
    """What differs, in words; None where nothing does."""
    if "error" in ours or "error" in theirs:
        same = ("error" in ours) == ("error" in theirs)
        return None if same or any(m in ours.get("error", theirs.get("error")) for m in MEANT) else "error: " + str(ours if "error" in ours else theirs)
    a, b = windows_of(ours), windows_of(theirs)
    if len(a) != len(b):
        return f"{len(a)} windows, peer {len(b)}"
    for x, y in zip(a, b):
        for k in KEYS:
            if x[k] != y[k]:
                i = next((i for i, (p, q) in enumerate(zip(x[k], y[k])) if p != q), min(len(x[k]), len(y[k])))
                lo = max(0, i - 2)
                return f"{k} at {i}: {x[k][lo:i + 4]} peer {y[k][lo:i + 4]}, tokens {x['tokens'][lo:i + 4]} peer {y['tokens'][lo:i + 4]}"
    return None


def compare(args, r, name, path, t, n, extra, report):
    cases = cases_of(r, n, extra)
    ours, why = run_assay(args.assay, path, cases)
    if ours is None:
        return report(name, path, {}, "assay: " + why)
    for case, a in zip(cases, ours):
        what = difference(a, run_peer(t, case))
        if what:
            report(name, path, case, what)
    t.no_truncation()
    size = t.get_vocab_size()
    rows = [{"ids": [r.randrange(size) for _ in range(r.randint(0, 12))]} for _ in range(n // 2)]
    rows += [{"ids": a["ids"]} for a in ours if "ids" in a][: n // 2]
    back, why = run_assay(args.assay, path, rows, "--decode")
    if back is None:
        return report(name, path, {}, "assay --decode: " + why)
    for row, a in zip(rows, back):
        try:
            b = {"text": t.decode(row["ids"], skip_special_tokens=False), "text_skip_special": t.decode(row["ids"], skip_special_tokens=True)}
        except BaseException as x:
            b = {"error": str(x)[:200]}
        a = {k: v for k, v in a.items() if k in ("text", "text_skip_special", "error")}
        if any(m in b.get("error", "") for m in MEANT):
            continue
        if ("error" in a) != ("error" in b) or ("error" not in a and a != b):
            report(name, path, row, f"decoded: {a} peer {b}")
    return None


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="*")
    p.add_argument("--assay", default="build/release/bin/assay")
    p.add_argument("--rounds", type=int, default=100)
    p.add_argument("--cases", type=int, default=60, help="texts of a round")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--keep", default=None, help="folder for tokenizers that differ")
    p.add_argument("--known", action="store_true", help="no characters that this Python's Unicode lacks")
    p.add_argument("--show", type=int, default=2, help="differences of a round that are printed")
    args = p.parse_args()
    work = args.keep or tempfile.mkdtemp()
    os.makedirs(work, exist_ok=True)
    charsmaps = []
    for m in args.models:
        j = json.load(open(os.path.join(m, "tokenizer.json"), encoding="utf-8"))
        for part in [j.get("normalizer") or {}] + (j.get("normalizer") or {}).get("normalizers", []):
            if part.get("precompiled_charsmap"):
                charsmaps.append(part["precompiled_charsmap"])
    counts = {"rounds": 0, "cases": 0, "different": 0, "refused by both": 0}

    for i in range(args.rounds):
        seed = args.seed * 1000003 + i
        r = random.Random(seed)
        shown = [0]

        def report(name, path, case, what):
            counts["different"] += 1
            shown[0] += 1
            if shown[0] <= args.show:
                print(f"round {i} of seed {args.seed}, {name}, {path}: {json.dumps(case)[:600]}\n    {what[:600]}", flush=True)

        if args.models and i < len(args.models) * 2:
            path = os.path.join(args.models[i % len(args.models)], "tokenizer.json")
            t = tokenizers.Tokenizer.from_file(path)
            t.no_padding()
            extra = [x.content for x in t.get_added_tokens_decoder().values()] or [""]
            compare(args, r, path, path, t, args.cases * 3, extra, report)
        else:
            path = os.path.join(work, f"{args.seed}-{i}.json")
            try:
                j = tokenizer_of(r, charsmaps)
                json.dump(j, open(path, "w", encoding="utf-8"))
                t = tokenizers.Tokenizer.from_file(path)
            except BaseException as x:
                if isinstance(x, KeyboardInterrupt):
                    raise
                counts["refused by both"] += 1
                continue
            compare(args, r, j["model"]["type"], path, t, args.cases, [x["content"] for x in j["added_tokens"]], report)
            if shown[0] == 0:
                os.unlink(path)
        counts["rounds"] += 1
        counts["cases"] += args.cases
    print(json.dumps(counts))
    return 1 if counts["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
