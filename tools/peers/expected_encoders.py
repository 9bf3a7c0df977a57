#!/usr/bin/env python3
"""Writes tests/models/encoders.json: what Transformers answers and PyTorch learns on small encoders whose weights a formula gives.

The test (tests/models/test_encoders.c) makes the same models, with the same formula, out of the same config.json.

    python tools/peers/expected_encoders.py [--keep FILE] > tests/models/encoders.json

Models that FILE, an earlier outcome, has stay as they are there.
"""
import argparse
import json
import sys

from expected import values
import torch
import transformers

PREFIX = {"modernbert": "model.", "electra": "electra.", "mpnet": "mpnet.", "albert": "albert.", "deberta-v2": "deberta.",
          "nomic_bert": "nomic_bert.", "data2vec-text": "data2vec_text.", "ernie": "ernie.", "megatron-bert": "bert.",
          "roberta-prelayernorm": "roberta_prelayernorm.", "xlm-roberta-xl": "roberta.", "eurobert": "model.",
          "gemma3_text": "model.", "gte": "gte.", "rembert": "rembert.", "big_bird": "bert."}
LENGTHS = [1, 2, 5, 23, 300]
STEPS, BATCH = 4, [4, 11, 7, 30]


NOMIC = {"embeddings.LayerNorm": "emb_ln", "self_attn.o_proj": "attn.out_proj", "post_attention_layernorm": "norm1",
         "post_mlp_layernorm": "norm2", "up_proj": "fc11", "gate_proj": "fc12", "down_proj": "fc2"}


GTE = {"gte.layers.": "gte.encoder.layer.", "self_attn.o_proj": "attention.o_proj", "post_attention_layernorm": "attn_ln",
       "post_mlp_layernorm": "mlp_ln", "lm_head.layer_norm": "lm_head.norm"}


def stored_gte(name, n):
    for before, after in GTE.items():
        name = name.replace(before, after)
    for i, part in enumerate("qkv"):
        if f"self_attn.{part}_proj" in name:
            return name.replace(f"self_attn.{part}_proj", "attention.qkv_proj"), 3 * n, i * n
    for i, part in enumerate(("up", "gate")):
        if f"mlp.{part}_proj" in name:
            return name.replace(f"mlp.{part}_proj", "mlp.up_gate_proj"), 2 * n, i * n
    return name, n, 0


def stored(kind, name, n):
    """The tensor of a file that a parameter is, or is a part of: its name, its numbers and where in them it begins."""
    if kind == "gte":
        return stored_gte(name, n)
    if kind != "nomic_bert":
        return name, n, 0
    name = name.replace("nomic_bert.layers.", "nomic_bert.encoder.layers.")
    for before, after in NOMIC.items():
        name = name.replace(before, after)
    for i, part in enumerate("qkv"):
        if f"self_attn.{part}_proj" in name:
            return name.replace(f"self_attn.{part}_proj", "attn.Wqkv"), 3 * n, i * n
    return name, n, 0


def build(config):
    model = getattr(transformers, config["architectures"][0])(
        transformers.AutoConfig.for_model(**{k: v for k, v in config.items() if k != "architectures"}))
    prefix = PREFIX[config["model_type"]]
    is_bare = config["architectures"][0].endswith("Model")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            full = prefix + name if is_bare else name
            full, n, begin = stored(config["model_type"], full, parameter.numel())
            numbers_of = values(full, n)[begin:begin + parameter.numel()] * (0.4 if parameter.dim() > 1 else 0.2)
            if parameter.dim() == 1 and name.endswith("weight"):  # of a norm
                numbers_of += 1
            parameter.copy_(torch.from_numpy(numbers_of).float().reshape(parameter.shape))
    return model.eval()


def numbers(tensor):
    return [float(f"{x:.7g}") for x in tensor.flatten().tolist()]


def ids_of(seed, n, vocab_size):
    return [3 + (seed + 7 * i + i * i // 3) % (vocab_size - 3) for i in range(n)]


def forward(model, config):
    """The last row of logits and of the last hidden states; of a span head both columns."""
    cases = []
    for seed, n in enumerate(LENGTHS):
        ids = torch.tensor([ids_of(seed, n, config["vocab_size"])])
        more = {}
        if config.get("type_vocab_size", 0) > 1:
            more["token_type_ids"] = torch.tensor([[int(i >= n // 2) for i in range(n)]])
        with torch.no_grad():
            out = model(ids, attention_mask=torch.ones_like(ids), output_hidden_states=True, **more)
        hidden = out.hidden_states[-1][0]
        case = {"n": n, "hidden": numbers(hidden[n - 1]), "mean": numbers(hidden.mean(0))}
        if "start_logits" in out:
            case["logits"] = numbers(torch.stack([out.start_logits[0, -1], out.end_logits[0, -1]]))
        elif "logits" in out:
            case["logits"] = numbers(out.logits[0] if out.logits.dim() == 2 else out.logits[0, -1])
        cases.append(case)
    return cases


def learn(model, config):
    """Losses and gradient norms of some steps of AdamW over texts of unequal length, without dropout."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = 0.0
    parameters = list({id(p): p for p in model.parameters()}.values())
    optimizer = torch.optim.AdamW(
        [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": 0.01},
         {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0}], lr=1e-3)
    by_token = config["architectures"][0].endswith(("MaskedLM", "TokenClassification"))
    n_classes = config["vocab_size"] if config["architectures"][0].endswith("MaskedLM") else len(config["id2label"])
    losses, norms, width = [], [], max(BATCH)
    model.train()
    for step in range(STEPS):
        ids = torch.full((len(BATCH), width), config["pad_token_id"])
        mask = torch.zeros_like(ids)
        labels = torch.full((len(BATCH), width), -100) if by_token else torch.zeros(len(BATCH), dtype=torch.long)
        for i, n in enumerate(BATCH):
            ids[i, :n] = torch.tensor(ids_of(10 * step + i, n, config["vocab_size"]))
            mask[i, :n] = 1
            if by_token:
                for t in range(i % 2, n, 3):
                    labels[i, t] = (step + i + t) % n_classes
            else:
                labels[i] = (step + i) % n_classes
        loss = model(ids, attention_mask=mask, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, 1.0).item())
        losses.append(loss.item())
        optimizer.step()
    return {"losses": losses, "grad_norms": norms}


def configs():
    labels = {"id2label": {"0": "a", "1": "b", "2": "c"}, "label2id": {"a": 0, "b": 1, "c": 2}}
    base = {"vocab_size": 41, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 302,
            "hidden_act": "gelu", "layer_norm_eps": 1e-12, "initializer_range": 0.02, "pad_token_id": 0}
    odd = {"hidden_size": 18, "intermediate_size": 21}
    even = {"hidden_size": 32, "intermediate_size": 48}

    def one(kind, head, *more):
        merged = {"model_type": kind, "architectures": [head], **base}
        for m in more:
            merged.update(m)
        if head.endswith(("SequenceClassification", "TokenClassification")):
            merged.update(labels)
        return merged

    modern = {"hidden_activation": "gelu", "norm_eps": 1e-5, "local_attention": 16, "global_attn_every_n_layers": 3,
              "num_hidden_layers": 3, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2,
              "classifier_pooling": "cls"}
    yield one("modernbert", "ModernBertForSequenceClassification", even, modern)
    yield one("modernbert", "ModernBertForSequenceClassification", even, modern, {"num_hidden_layers": 2})
    yield one("modernbert", "ModernBertForMaskedLM", even, modern)
    yield one("modernbert", "ModernBertModel", even, modern)
    yield one("modernbert", "ModernBertModel", odd, modern, {"attention_bias": True, "mlp_bias": True, "norm_bias": True,
                                                             "hidden_activation": "silu", "hidden_size": 36})
    electra = {"type_vocab_size": 2, "embedding_size": 10}
    yield one("electra", "ElectraForSequenceClassification", odd, electra)
    yield one("electra", "ElectraForMaskedLM", even, electra)
    yield one("electra", "ElectraForMaskedLM", odd, electra, {"tie_word_embeddings": False})
    yield one("electra", "ElectraForTokenClassification", even, electra, {"embedding_size": 32})
    yield one("electra", "ElectraForQuestionAnswering", odd, electra)
    yield one("electra", "ElectraModel", odd, electra)
    mpnet = {"pad_token_id": 1}
    yield one("mpnet", "MPNetForSequenceClassification", even, mpnet)
    yield one("mpnet", "MPNetForMaskedLM", odd, mpnet)
    yield one("mpnet", "MPNetForMaskedLM", even, mpnet, {"tie_word_embeddings": False})
    yield one("mpnet", "MPNetForTokenClassification", odd, mpnet)
    yield one("mpnet", "MPNetForQuestionAnswering", even, mpnet)
    yield one("mpnet", "MPNetModel", even, mpnet)
    albert = {"type_vocab_size": 2, "embedding_size": 10, "hidden_act": "gelu_new"}
    yield one("albert", "AlbertForSequenceClassification", even, albert, {"num_hidden_layers": 3})
    groups = {"num_hidden_layers": 5, "num_hidden_groups": 2, "inner_group_num": 2}
    yield one("albert", "AlbertForMaskedLM", odd, albert, groups)
    yield one("albert", "AlbertForMaskedLM", even, albert, {"tie_word_embeddings": False})
    yield one("albert", "AlbertForTokenClassification", even, albert, groups)
    yield one("albert", "AlbertForQuestionAnswering", odd, albert)
    yield one("albert", "AlbertModel", odd, albert)
    deberta = {"type_vocab_size": 0, "relative_attention": True, "position_buckets": 12, "norm_rel_ebd": "layer_norm",
               "share_att_key": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False, "layer_norm_eps": 1e-7}
    apart = {"share_att_key": False, "position_buckets": -1, "max_relative_positions": 9, "norm_rel_ebd": "none",
             "position_biased_input": True, "type_vocab_size": 2}
    yield one("deberta-v2", "DebertaV2ForSequenceClassification", even, deberta)
    yield one("deberta-v2", "DebertaV2ForSequenceClassification", odd, deberta, apart)
    yield one("deberta-v2", "DebertaV2ForMaskedLM", odd, deberta, {"embedding_size": 10})
    yield one("deberta-v2", "DebertaV2ForMaskedLM", even, deberta, apart, {"legacy": False})
    yield one("deberta-v2", "DebertaV2ForTokenClassification", odd, deberta, {"pos_att_type": ["c2p"]})
    yield one("deberta-v2", "DebertaV2ForTokenClassification", even, deberta, apart, {"pos_att_type": ["p2c"]})
    yield one("deberta-v2", "DebertaV2ForQuestionAnswering", even, deberta)
    yield one("deberta-v2", "DebertaV2Model", odd, deberta, {"relative_attention": False, "norm_rel_ebd": "none",
                                                             "position_biased_input": True})
    yield one("deberta-v2", "DebertaV2Model", odd, deberta)
    nomic = {"type_vocab_size": 2, "hidden_act": "silu", "rope_parameters": {"rope_type": "default", "rope_theta": 1000.0}}
    yield one("nomic_bert", "NomicBertForSequenceClassification", even, nomic)
    yield one("nomic_bert", "NomicBertForMaskedLM", even, nomic, {"num_attention_heads": 4, "hidden_act": "gelu"})
    yield one("nomic_bert", "NomicBertForTokenClassification", {"hidden_size": 36, "intermediate_size": 21}, nomic,
              {"num_attention_heads": 3})
    yield one("nomic_bert", "NomicBertModel", even, nomic)
    text = {"pad_token_id": 1, "type_vocab_size": 2}
    yield one("data2vec-text", "Data2VecTextForSequenceClassification", even, text)
    yield one("data2vec-text", "Data2VecTextForMaskedLM", odd, text)
    yield one("data2vec-text", "Data2VecTextModel", odd, text)
    for kind, name, more in (("ernie", "Ernie", {"type_vocab_size": 2}), ("megatron-bert", "MegatronBert", {"type_vocab_size": 2}),
                             ("roberta-prelayernorm", "RobertaPreLayerNorm", text),
                             ("xlm-roberta-xl", "XLMRobertaXL", text)):
        tasks = {"use_task_id": True, "task_type_vocab_size": 3} if kind == "ernie" else {}
        yield one(kind, f"{name}ForSequenceClassification", even, more, tasks)
        yield one(kind, f"{name}ForMaskedLM", odd, more, tasks)
        yield one(kind, f"{name}ForMaskedLM", even, more, {"tie_word_embeddings": False})
        yield one(kind, f"{name}ForTokenClassification", odd, more)
        yield one(kind, f"{name}ForQuestionAnswering", even, more)
        yield one(kind, f"{name}Model", odd, more, tasks)
    euro = {"num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu", "rms_norm_eps": 1e-5, "bos_token_id": 1,
            "eos_token_id": 2, "mask_token_id": 3, "rope_parameters": {"rope_type": "default", "rope_theta": 500.0}}
    wide = {"hidden_size": 36, "intermediate_size": 21, "num_attention_heads": 3, "num_key_value_heads": 3}
    for pooling in ("late", "mean", "bos"):
        yield one("eurobert", "EuroBertForSequenceClassification", even, euro, {"classifier_pooling": pooling})
    yield one("eurobert", "EuroBertForMaskedLM", euro, wide, {"attention_bias": True, "mlp_bias": True})
    yield one("eurobert", "EuroBertForMaskedLM", even, euro, {"tie_word_embeddings": True})
    yield one("eurobert", "EuroBertForTokenClassification", euro, wide)
    yield one("eurobert", "EuroBertModel", even, euro)
    gemma = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "use_bidirectional_attention": True,
             "sliding_window": 14, "hidden_activation": "gelu_pytorch_tanh", "rms_norm_eps": 1e-6, "num_hidden_layers": 3,
             "query_pre_attn_scalar": 8, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
             "bos_token_id": 1, "eos_token_id": 2}
    yield one("gemma3_text", "Gemma3TextModel", even, gemma)
    gte = {"type_vocab_size": 2, "rope_parameters": {"rope_type": "default", "rope_theta": 700.0}, "pad_token_id": 1}
    yield one("gte", "GteForSequenceClassification", even, gte)
    yield one("gte", "GteForMaskedLM", even, gte, {"type_vocab_size": 0})
    yield one("gte", "GteForTokenClassification", {"hidden_size": 36, "intermediate_size": 21}, gte,
              {"num_attention_heads": 3, "hidden_act": "silu"})
    yield one("gte", "GteModel", even, gte)
    yield one("gte", "GteModel", even, gte, {"rope_parameters": {"rope_type": "linear", "rope_theta": 1400.0,
                                                                 "factor": 2 ** (2 / 16)}})
    bird = {"type_vocab_size": 2, "attention_type": "original_full", "hidden_act": "gelu_new", "bos_token_id": 1,
            "eos_token_id": 2, "sep_token_id": 2}
    yield one("big_bird", "BigBirdForSequenceClassification", even, bird)
    yield one("big_bird", "BigBirdForMaskedLM", odd, bird)
    yield one("big_bird", "BigBirdForTokenClassification", odd, bird)
    yield one("big_bird", "BigBirdModel", even, bird)
    rem = {"type_vocab_size": 2, "input_embedding_size": 10, "output_embedding_size": 40, "bos_token_id": 1, "eos_token_id": 2,
           "tie_word_embeddings": False}
    yield one("rembert", "RemBertForSequenceClassification", even, rem)
    yield one("rembert", "RemBertForMaskedLM", odd, rem)
    yield one("rembert", "RemBertForTokenClassification", odd, rem)
    yield one("rembert", "RemBertForQuestionAnswering", even, rem)
    yield one("rembert", "RemBertModel", odd, rem)


def entry_of(config, before):
    for entry in before:
        if entry["config"] == config:
            return entry
    entry = {"config": config, "forward": forward(build(config), config)}
    if config["architectures"][0].endswith(("Classification", "MaskedLM")):
        entry["train"] = learn(build(config), config)
    return entry


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep")
    args = parser.parse_args()
    before = []
    if args.keep:
        with open(args.keep) as file:
            before = json.load(file)["models"]
    torch.manual_seed(0)
    torch.set_num_threads(1)
    sys.stdout.write('{"models": [')
    for i, config in enumerate(configs()):
        sys.stdout.write((",\n" if i else "\n") + json.dumps(entry_of(config, before), separators=(",", ":")))
    sys.stdout.write("\n]}\n")


main()
