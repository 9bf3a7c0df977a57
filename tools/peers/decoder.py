#!/usr/bin/env python3
"""assay beside llama.cpp (llama-cpp-python) on GGUF files of one decoder, in one interleaved run.

For each file: a prompt, tokens written one by one for a single request, and for --batch requests at once. Every round runs
both programs in turn, each in a process of its own that has the model open, and takes the CPU time of that process (all its
threads); ratios are taken round by round and their median is printed. What assay writes is chosen greedily; llama.cpp is fed
token 1 and chooses nothing.

    python3 decoder.py --assay build/release/bin/assay llama-f32.gguf llama-q8_0.gguf ...
    python3 decoder.py --make llama-f32.gguf --vocab vocabulary.gguf     # a Llama of 110M parameters with random weights
    python3 decoder.py --make gemma-f32.gguf --shape gemma-3-270m [--layers 6]    # others; the vocabulary is made up
    python3 decoder.py --quantize q4_k_m gemma-f32.gguf gemma-q4_k_m.gguf         # as llama.cpp mixes formats
    python3 decoder.py --what long --context 4096 --kv f32,f16 --flash off,on llama-f32.gguf

--what long reads a context and writes --generate tokens behind it, both timed in one go, assay in `assay bench model`.

Needs llama-cpp-python and numpy; --make needs gguf too.
"""
import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import time


# Widths of models that people run. head_dim: where it is not hidden / heads.
SHAPES = {
    "llama-110m": {"arch": "llama", "hidden": 768, "layers": 12, "heads": 12, "kv": 12, "inner": 2048, "words": 32000},
    "smollm-135m": {"arch": "llama", "hidden": 576, "layers": 30, "heads": 9, "kv": 3, "inner": 1536, "words": 49152},
    "llama-3.2-1b": {"arch": "llama", "hidden": 2048, "layers": 16, "heads": 32, "kv": 8, "inner": 8192,
                     "words": 128256},
    "qwen2.5-0.5b": {"arch": "qwen2", "hidden": 896, "layers": 24, "heads": 14, "kv": 2, "inner": 4864,
                     "words": 151936},
    "qwen3-0.6b": {"arch": "qwen3", "hidden": 1024, "layers": 28, "heads": 16, "kv": 8, "head_dim": 128, "inner": 3072,
                   "words": 151936},
    "gemma-3-270m": {"arch": "gemma3", "hidden": 640, "layers": 18, "heads": 4, "kv": 1, "head_dim": 256, "inner": 2048,
                     "words": 262144, "window": 512},
    "gemma-3-1b": {"arch": "gemma3", "hidden": 1152, "layers": 26, "heads": 4, "kv": 1, "head_dim": 256, "inner": 6912,
                   "words": 262144, "window": 512},
    "phi-3-mini": {"arch": "phi3", "hidden": 3072, "layers": 32, "heads": 32, "kv": 32, "inner": 8192, "words": 32064,
                   "tied": False},
    "mixtral-190m": {"arch": "llama", "hidden": 768, "layers": 8, "heads": 12, "kv": 4, "inner": 1024, "words": 32000,
                     "experts": 8, "active": 2},
    "qwen3-moe-210m": {"arch": "qwen3moe", "hidden": 768, "layers": 8, "heads": 12, "kv": 4, "inner": 256, "words": 32000,
                       "experts": 32, "active": 4},
}


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--assay", default="build/release/bin/assay")
    p.add_argument("--prompt", type=int, default=512, help="tokens of the prompt")
    p.add_argument("--context", type=int, default=8, help="tokens that come before those that are written")
    p.add_argument("--generate", type=int, default=32, help="tokens that a request writes")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--what", default="prompt,one,batch", help="of prompt, one, batch and long")
    p.add_argument("--kv", default="f32", help="assay's keys and values, of long: f32, f16 and bf16, or several of them")
    p.add_argument("--peer-kv", default="f16", choices=["f32", "f16", "bf16"], help="llama.cpp's keys and values")
    p.add_argument("--flash", default="auto", help="llama.cpp's flash attention: auto, on, off; of long also several")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--wall", action="store_true", help="ratios of wall time, for several threads on an idle machine")
    p.add_argument("--assay-options", default="", help="more options of assay predict, e.g. '--compute bf16'")
    p.add_argument("--huge", action="store_true", help="llama.cpp copies the weights into 2 MiB pages")
    p.add_argument("--make", metavar="FILE", help="write such a model and stop")
    p.add_argument("--shape", default="llama-110m", choices=SHAPES, help="of --make")
    p.add_argument("--layers", type=int, help="fewer of them than the shape has")
    p.add_argument("--vocab", help="GGUF file whose tokenizer --make takes over")
    p.add_argument("--quantize", metavar="TYPE", help="by llama.cpp: the first file into the second, and stop")
    p.add_argument("files", nargs="*")
    return p.parse_args()


# ---- assay ----


class Assay:
    """One `assay predict` that stays open; a request is a line, and so is an answer."""

    def __init__(self, args, path, size):
        command = [args.assay, "predict", path, "--mode", "generate", "--batch", str(size)]
        command += ["--threads", str(args.threads), "-q"] + args.assay_options.split()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.size = size

    def cpu(self):
        total = 0
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            total += int(open(f"/proc/{self.process.pid}/task/{task}/schedstat").read().split()[0])
        return total / 1e9

    def run(self, prompts, n):
        lines = [json.dumps({"input_ids": ids, "max_new_tokens": n}) + "\n" for ids in prompts]
        wall, cpu = time.perf_counter(), self.cpu()
        self.process.stdin.write("".join(lines).encode())
        self.process.stdin.flush()
        for _ in prompts:
            answer = json.loads(self.process.stdout.readline())
            if len(answer.get("ids", [])) != n:
                sys.exit(f"assay wrote {answer}, not {n} tokens: the model's end-of-text came early")
        return time.perf_counter() - wall, self.cpu() - cpu

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# ---- llama.cpp ----


def huge_mib():
    return sum(int(x.split()[1]) for x in open("/proc/self/smaps") if x.startswith("AnonHugePages")) >> 10


class Llama:
    def __init__(self, args, path, size, flash=None):
        import llama_cpp as L

        self.L = L
        self.silent = L.llama_log_callback(lambda *a: None)
        L.llama_log_set(self.silent, ctypes.c_void_p(0))
        m = L.llama_model_default_params()
        m.load_mode = L.LLAMA_LOAD_MODE_NONE if args.huge else L.LLAMA_LOAD_MODE_MMAP
        self.model = L.llama_model_load_from_file(path.encode(), m)
        c = L.llama_context_default_params()
        longest = max(args.prompt, args.context + args.generate)
        c.n_ctx = size * (-(-(longest + 1) // 256) * 256)
        c.n_batch = c.n_ubatch = 512
        c.n_seq_max = size
        c.n_threads = c.n_threads_batch = args.threads
        c.type_k = c.type_v = {"f32": 0, "f16": 1, "bf16": 30}[args.peer_kv]  # ggml_type
        c.flash_attn_type = {"auto": -1, "off": 0, "on": 1}[flash or args.flash]
        self.context = L.llama_init_from_model(self.model, c)
        self.batch = L.llama_batch_init(512, 0, size)
        if args.huge:
            print(f"llama.cpp has {huge_mib()} MiB in huge pages", file=sys.stderr)

    def decode(self, rows):
        """rows: (token, position, sequence, whether its logits are wanted)"""
        b = self.batch
        b.n_tokens = len(rows)
        for i, (token, position, sequence, wanted) in enumerate(rows):
            b.token[i], b.pos[i], b.n_seq_id[i], b.logits[i] = token, position, 1, wanted
            b.seq_id[i][0] = sequence
        if self.L.llama_decode(self.context, b) != 0:
            sys.exit("llama_decode failed")

    def run_parts(self, prompt, n):
        """(wall, CPU) of the prompt, and of the n - 1 tokens after the one that it makes."""
        whole = self.run([prompt], 1)
        wall, cpu = time.perf_counter(), time.process_time()
        for step in range(n - 1):
            self.decode([(1, len(prompt) + step, 0, True)])
        self.L.llama_get_logits_ith(self.context, -1)
        return whole, (time.perf_counter() - wall, time.process_time() - cpu)

    def run(self, prompts, n, counts_prompts=True):
        L = self.L
        wall, cpu = time.perf_counter(), time.process_time()
        L.llama_memory_clear(L.llama_get_memory(self.context), True)
        for s, ids in enumerate(prompts):
            for begin in range(0, len(ids), 512):
                part = ids[begin : begin + 512]
                self.decode([(t, begin + i, s, begin + i + 1 == len(ids)) for i, t in enumerate(part)])
        if not counts_prompts:
            L.llama_get_logits_ith(self.context, -1)
            wall, cpu = time.perf_counter(), time.process_time()
        for step in range(n - 1):
            self.decode([(1, len(ids) + step, s, True) for s, ids in enumerate(prompts)])
        L.llama_get_logits_ith(self.context, -1)
        return time.perf_counter() - wall, time.process_time() - cpu


# ---- the run ----


def bench(args, path, kv):
    """Seconds of a context and of what is written behind it, by assay."""
    command = [args.assay, "bench", "model", path, "--mode", "generate", "--json", "--sequences", "1", "--rounds", "1"]
    command += ["--length", str(args.context), "--new-tokens", str(args.generate), "--kv", kv]
    command += ["--threads", str(args.threads)] + args.assay_options.split()
    parts = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["parts"]
    return [part["wall" if args.wall else "cpu"]["median_s"] for part in parts]


def measure_long(args, path):
    prompt = [(i * 7919) % 30000 + 5 for i in range(args.context)]
    column, kvs = (0 if args.wall else 1), args.kv.split(",")
    for flash in args.flash.split(","):
        llama, rounds = Llama(args, path, 1, flash), []
        llama.run([prompt[:64]], 2)  # warms up
        for _ in range(args.rounds):
            theirs = [part[column] for part in llama.run_parts(prompt, args.generate)]
            rounds.append((theirs, {kv: bench(args, path, kv) for kv in kvs}))
        for kv in kvs:
            for part, n in ((0, args.context), (1, args.generate - 1)):
                ratios = [b[part] / a[kv][part] for b, a in rounds]
                ours = n / statistics.median(a[kv][part] for b, a in rounds)
                theirs = n / statistics.median(b[part] for b, a in rounds)
                print(f"{os.path.basename(path):16} {('prompt', 'behind')[part]} {args.context:6}  "
                      f"assay {kv:4} {ours:7.1f} tok/s  llama.cpp {args.peer_kv}, flash {flash:4} {theirs:7.1f} tok/s  "
                      f"ratio {statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]", flush=True)


def measure(args, path, what):
    size = args.batch if what == "batch" else 1
    length, n = (args.prompt, 1) if what == "prompt" else (args.context, args.generate)
    prompts = [[(i * 7919 + s * 104729) % 30000 + 5 for i in range(length)] for s in range(size)]
    ours, theirs = Assay(args, path, size), Llama(args, path, size)
    units, column = (length if what == "prompt" else size * (n - 1)), (0 if args.wall else 1)
    speeds, is_prompt = [], what == "prompt"
    ours.run([ids[:64] for ids in prompts], 2), theirs.run([ids[:64] for ids in prompts], 2)  # warms up
    for r in range(args.rounds):
        a, b = ours.run(prompts, n)[column], theirs.run(prompts, n, is_prompt)[column]
        if not is_prompt:  # what is written, without the prompt that came before
            a -= ours.run(prompts, 1)[column]
        speeds.append((units / a, units / b, b / a))
    ours.close()
    a, b, ratio = (statistics.median(column) for column in zip(*speeds))
    low, high = min(s[2] for s in speeds), max(s[2] for s in speeds)
    print(f"{os.path.basename(path):24} {what:7} assay {a:8.1f} tok/s  llama.cpp {b:8.1f} tok/s  "
          f"ratio {ratio:.2f} [{low:.2f}, {high:.2f}]", flush=True)


def add_vocabulary(w, n, path):
    """The tokenizer of a file, or n made-up words; returns how many there are."""
    import gguf

    if path:
        for key, field in gguf.GGUFReader(path).fields.items():
            if key.startswith("tokenizer."):
                is_list = field.types[0] == gguf.GGUFValueType.ARRAY
                w.add_key_value(key, field.contents(), field.types[0], **({"sub_type": field.types[-1]} if is_list else {}))
                n = len(field.contents()) if key.endswith(".tokens") else n
        return n
    letters = [chr(c) for c in [*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324)]]
    w.add_tokenizer_model("gpt2"), w.add_tokenizer_pre("gpt-2")
    w.add_token_list(letters + [f"w{i}" for i in range(n - len(letters))])
    w.add_token_types([1] * n), w.add_token_merges(["w 0"])
    w.add_eos_token_id(0), w.add_bos_token_id(0)
    return n


def make(path, args):
    import gguf
    import numpy as np

    shape = SHAPES[args.shape]
    arch, hidden, inner, words = shape["arch"], shape["hidden"], shape["inner"], shape["words"]
    heads, kv, layers = shape["heads"], shape["kv"], args.layers or shape["layers"]
    head_dim = shape.get("head_dim", hidden // heads)
    rng, w = np.random.default_rng(0), gguf.GGUFWriter(path, arch)
    w.add_context_length(32768), w.add_embedding_length(hidden)
    w.add_block_count(layers), w.add_feed_forward_length(inner), w.add_head_count(heads), w.add_head_count_kv(kv)
    w.add_key_length(head_dim), w.add_value_length(head_dim)
    w.add_layer_norm_rms_eps(1e-5), w.add_rope_dimension_count(head_dim)
    w.add_file_type(gguf.LlamaFileType.ALL_F32)
    if "window" in shape:
        w.add_sliding_window(shape["window"])
    experts = shape.get("experts", 0)
    if experts:
        w.add_expert_count(experts), w.add_expert_used_count(shape["active"]), w.add_expert_feed_forward_length(inner)
    if arch == "phi3":
        w.add_rope_scaling_orig_ctx_len(32768)
    words = add_vocabulary(w, words, args.vocab)
    numbers = rng.standard_normal(1 << 24, np.float32) * 0.02  # cut from anew for each tensor

    def matrix(name, *shape):
        begin = int(rng.integers(numbers.size))
        w.add_tensor(name + ".weight", np.resize(np.roll(numbers, begin), shape))

    def vector(name, n, value=1.0):
        w.add_tensor(name, np.full(n, value, np.float32))

    matrix("token_embd", words, hidden)
    for i in range(layers):
        b = f"blk.{i}."
        vector(b + "attn_norm.weight", hidden), vector(b + "ffn_norm.weight", hidden)
        if arch == "phi3":
            matrix(b + "attn_qkv", (heads + 2 * kv) * head_dim, hidden), matrix(b + "ffn_up", 2 * inner, hidden)
        else:
            for name, n in (("q", heads), ("k", kv), ("v", kv)):
                matrix(b + "attn_" + name, n * head_dim, hidden)
                if arch == "qwen2":
                    vector(b + f"attn_{name}.bias", n * head_dim, 0.01)
            if not experts:
                matrix(b + "ffn_gate", inner, hidden), matrix(b + "ffn_up", inner, hidden)
        if experts:
            matrix(b + "ffn_gate_inp", experts, hidden), matrix(b + "ffn_down_exps", experts, hidden, inner)
            matrix(b + "ffn_gate_exps", experts, inner, hidden), matrix(b + "ffn_up_exps", experts, inner, hidden)
        if arch in ("qwen3", "qwen3moe", "gemma3"):
            vector(b + "attn_q_norm.weight", head_dim), vector(b + "attn_k_norm.weight", head_dim)
        if arch == "gemma3":
            vector(b + "post_attention_norm.weight", hidden), vector(b + "post_ffw_norm.weight", hidden)
        matrix(b + "attn_output", hidden, heads * head_dim)
        if not experts:
            matrix(b + "ffn_down", hidden, inner)
    vector("output_norm.weight", hidden)
    if not shape.get("tied", True):
        matrix("output", words, hidden)
    w.write_header_to_file(), w.write_kv_data_to_file(), w.write_tensors_to_file(), w.close()


def quantize(kind, source, to):
    import llama_cpp as L

    p = L.llama_model_quantize_default_params()
    p.ftype = getattr(L, "LLAMA_FTYPE_MOSTLY_" + kind.upper())
    p.nthread = 1
    if L.llama_model_quantize(source.encode(), to.encode(), ctypes.byref(p)) != 0:
        sys.exit(f"llama.cpp could not quantize {source}")


def main():
    args = arguments()
    if args.make:
        make(args.make, args)
        return
    if args.quantize:
        quantize(args.quantize, *args.files)
        return
    if args.huge and "GLIBC_TUNABLES" not in os.environ:  # read when a program starts
        os.environ["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
        os.execv(sys.executable, [sys.executable] + sys.argv)
    for path in args.files:
        for what in args.what.split(","):
            if what == "long":
                measure_long(args, path)
            else:
                measure(args, path, what)


if __name__ == "__main__":
    main()
