// Members of a case that are not known, but are nearly one that would change the answer: a slip there must not go unseen.
#include "tools/misspelt.h"
#include "tools/predict/predict.h"

// By what reads the case; only members that may be left out: of others the case itself says that they are missing.
static const char *const of_generation[] = {"max_new_tokens",
                                            "min_new_tokens",
                                            "num_beams",
                                            "num_return_sequences",
                                            "no_repeat_ngram_size",
                                            "top_k",
                                            "max_length",
                                            "min_length",
                                            "encoder_no_repeat_ngram_size",
                                            "forced_bos_token_id",
                                            "forced_eos_token_id",
                                            "decoder_start_token_id",
                                            "suppress_tokens",
                                            "begin_suppress_tokens",
                                            "bad_words_ids",
                                            "src_lang",
                                            "tgt_lang",
                                            "length_penalty",
                                            "temperature",
                                            "top_p",
                                            "early_stopping",
                                            "chat_template_kwargs",
                                            "min_p",
                                            "repetition_penalty",
                                            "seed",
                                            "do_sample",
                                            "stop",
                                            "truncate",
                                            NULL};
static const char *const of_likelihoods[] = {"context", "context_ids", "truncate", NULL};
// Without "truncate": answers have "truncated", and may be asked again.
static const char *const of_texts[] = {"pair",
                                       "token_type_ids",
                                       "attention_mask",
                                       "decoder_attention_mask",
                                       "candidate_labels",
                                       "hypothesis_template",
                                       "multi_label",
                                       NULL};

static const char *const *names_of(const Predictor *p)
{
    if (p->mode->read == predict_generate_read || p->mode->read == predict_search_read)
        return of_generation;
    return p->mode->read == predict_loglik_read ? of_likelihoods : of_texts;
}

Status predict_refuse_misspelt(const Predictor *p, const JsonlTexts *keys,
                               bool (*is_known)(Slice key), Error *err)
{
    return refuse_misspelt(keys, names_of(p), is_known, err);
}
