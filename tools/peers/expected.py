#!/usr/bin/env python3
"""Writes tests/models/expected.json: what Transformers makes of small models whose weights a formula gives.

The test (tests/models/test_expected.c) makes the same models, with the same formula, out of the same config.json.

    python tools/peers/expected.py > tests/models/expected.json
"""
import json
import sys
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import torch
import transformers as T

T.logging.set_verbosity_error()
SOURCE = [5, 17, 9, 1, 22, 30, 11, 2]
TARGETS = [2, 8, 1, 19, 3]


def name_hash(name):
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


def values(name, n):
    """Numbers of (-1, 1), the same on every machine."""
    x = (np.arange(n, dtype=np.uint64) * 2654435761 + name_hash(name)) % 2**32
    x ^= x >> np.uint64(15)
    x = x * 2246822519 % 2**32
    x ^= x >> np.uint64(13)
    return x.astype(np.float64) / 2**31 - 1


def fill(model):
    tensors = dict(model.named_parameters())
    tensors.update((n, b) for n, b in model.named_buffers() if n == "final_logits_bias")
    for name, tensor in tensors.items():
        if name.endswith("embed_positions.weight") and not tensor.requires_grad:
            continue  # sinusoids
        v = values(name, tensor.numel()) * (0.4 if tensor.dim() > 1 else 0.2)
        if tensor.dim() == 1 and "norm" in name.lower() and name.endswith("weight"):
            v += 1
        with torch.no_grad():
            tensor.copy_(torch.tensor(v.astype(np.float32)).reshape(tensor.shape))


ENCODER = dict(vocab_size=37, hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=30,
               max_position_embeddings=40, pad_token_id=1, tie_word_embeddings=False)
DECODER = dict(vocab_size=37, d_model=24, encoder_layers=2, decoder_layers=1, encoder_attention_heads=4,
               decoder_attention_heads=2, encoder_ffn_dim=30, decoder_ffn_dim=20, max_position_embeddings=40, pad_token_id=1,
               decoder_start_token_id=2, eos_token_id=2, bos_token_id=0, activation_function="relu",
               forced_eos_token_id=None)
T5_SIZES = dict(vocab_size=37, d_model=24, d_kv=6, d_ff=30, num_layers=2, num_decoder_layers=2, num_heads=4,
                relative_attention_num_buckets=8, relative_attention_max_distance=20, pad_token_id=0, eos_token_id=1,
                decoder_start_token_id=0, bos_token_id=0)
GENERATIONS = [
    {"max_new_tokens": 12, "no_repeat_ngram_size": 2},
    {"max_length": 15, "min_length": 6, "encoder_no_repeat_ngram_size": 1, "forced_bos_token_id": 7, "forced_eos_token_id": 2,
     "suppress_tokens": [4, 5], "begin_suppress_tokens": [8], "bad_words_ids": [[9], [10, 11]], "decoder_start_token_id": 6},
    {"max_new_tokens": 10, "num_beams": 4, "num_return_sequences": 1, "no_repeat_ngram_size": 2, "early_stopping": "never",
     "length_penalty": 2.0, "encoder_no_repeat_ngram_size": 2, "forced_bos_token_id": 3},
    {"max_new_tokens": 9, "num_beams": 3, "length_penalty": 0.8, "early_stopping": True, "repetition_penalty": 1.5},
]
MODELS = [
    ("bert", T.BertForMaskedLM, T.BertConfig(**ENCODER)),
    ("roberta", T.RobertaForMaskedLM, T.RobertaConfig(**ENCODER)),
    ("distilbert", T.DistilBertForMaskedLM,
     T.DistilBertConfig(vocab_size=37, dim=24, n_layers=2, n_heads=4, hidden_dim=30, max_position_embeddings=40, pad_token_id=1,
                        tie_word_embeddings=False)),
    ("modernbert", T.ModernBertForMaskedLM,
     T.ModernBertConfig(**ENCODER, decoder_bias=True, local_attention=8, global_attn_every_n_layers=2, cls_token_id=3,
                        sep_token_id=4, bos_token_id=3, eos_token_id=4)),
    ("bart, nothing tied", T.BartForConditionalGeneration,
     T.BartConfig(**DECODER, tie_word_embeddings=False, scale_embedding=True)),
    ("marian, nothing tied", T.MarianMTModel, T.MarianConfig(**DECODER, tie_word_embeddings=False)),
    ("marian of two vocabularies", T.MarianMTModel,
     T.MarianConfig(**DECODER, share_encoder_decoder_embeddings=False, decoder_vocab_size=29, scale_embedding=True)),
    ("mbart", T.MBartForConditionalGeneration, T.MBartConfig(**DECODER, scale_embedding=True)),
    ("m2m_100", T.M2M100ForConditionalGeneration,
     T.M2M100Config(**{k: v for k, v in DECODER.items() if k != "forced_eos_token_id"})),
    ("pegasus", T.PegasusForConditionalGeneration, T.PegasusConfig(**DECODER, scale_embedding=True)),
    ("blenderbot", T.BlenderbotForConditionalGeneration, T.BlenderbotConfig(**DECODER, scale_embedding=True)),
    ("blenderbot-small", T.BlenderbotSmallForConditionalGeneration, T.BlenderbotSmallConfig(**DECODER, scale_embedding=True)),
    ("mt5", T.MT5ForConditionalGeneration, T.MT5Config(**T5_SIZES)),
    ("umt5", T.UMT5ForConditionalGeneration, T.UMT5Config(**T5_SIZES)),
]


def rounded(rows):
    return [[float(f"{x:.6g}") for x in row] for row in rows]


def answers(name, cls, config):
    torch.manual_seed(0)
    model = cls(config).eval()
    fill(model)
    config.architectures = [cls.__name__]
    told = {k: v for k, v in json.loads(config.to_json_string(use_diff=False)).items() if v is not None}
    out = {"name": name, "config": told, "input_ids": SOURCE}
    source = torch.tensor([SOURCE])
    if not config.is_encoder_decoder:
        with torch.no_grad():
            out["logits"] = rounded(model(source).logits[0][-2:].tolist())
        return out
    out["decoder_input_ids"] = TARGETS
    mask = torch.ones_like(source)
    with torch.no_grad():
        found = model(input_ids=source, attention_mask=mask, decoder_input_ids=torch.tensor([TARGETS]),
                      output_hidden_states=True)
    out["logits"] = rounded(found.logits[0][-2:].tolist())
    # The first numbers of the last token's states, the encoder's and then the decoder's.
    out["hidden"] = [rounded([state[0][-1][:4].tolist() for state in states])
                     for states in (found.encoder_hidden_states, found.decoder_hidden_states)]
    out["generate"] = []
    for generation in GENERATIONS:
        if config.vocab_size > model.lm_head.out_features:  # Transformers takes words of the source for targets
            generation = {k: v for k, v in generation.items() if not k.startswith("encoder_")}
        model.generation_config = T.GenerationConfig(
            pad_token_id=config.pad_token_id, bos_token_id=config.bos_token_id, eos_token_id=config.eos_token_id,
            **{"decoder_start_token_id": config.decoder_start_token_id, **generation})
        made = model.generate(source, attention_mask=mask)[0].tolist()[1:]
        told = json.loads(model.generation_config.to_json_string(use_diff=True))
        out["generate"].append({"config": told, "ids": made})
    return out


def main():
    lines = [json.dumps(answers(*model), separators=(",", ":")) for model in MODELS]
    print('{"made_by": "tools/peers/expected.py with Transformers %s", "models": [' % T.__version__)
    print(",\n".join(lines))
    print("]}")


if __name__ == "__main__":
    sys.exit(main())
