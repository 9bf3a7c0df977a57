#include "models/architecture.h"

#include <string.h>

extern const Architecture architecture_gpt2, architecture_llama, architecture_mistral,
    architecture_qwen2, architecture_qwen3, architecture_phi3, architecture_gemma2,
    architecture_gemma3, architecture_granite, architecture_smollm3, architecture_olmo2,
    architecture_stablelm, architecture_starcoder2, architecture_cohere, architecture_phi,
    architecture_gpt_neox, architecture_gptj, architecture_opt, architecture_bloom,
    architecture_falcon, architecture_gemma, architecture_gpt_neo, architecture_gpt_bigcode,
    architecture_olmo3, architecture_cohere2, architecture_mixtral, architecture_qwen2_moe,
    architecture_qwen3_moe, architecture_olmoe, architecture_granitemoe, architecture_flex_olmo,
    architecture_gpt_oss, architecture_deepseek_v2, architecture_deepseek_v3, architecture_nemotron,
    architecture_arcee, architecture_glm, architecture_glm4, architecture_olmo,
    architecture_ernie4_5, architecture_helium, architecture_seed_oss,
    architecture_hunyuan_v1_dense, architecture_ministral, architecture_ministral3,
    architecture_exaone4, architecture_modernbert_decoder, architecture_granitemoehybrid,
    architecture_exaone, architecture_xglm, architecture_glm4_moe, architecture_mpt,
    architecture_codegen, architecture_glm4_moe_lite, architecture_vaultgemma,
    architecture_hyperclovax, architecture_jais2, architecture_internlm3, architecture_cwm,
    architecture_dots1, architecture_hunyuan_v1_moe;
extern const Architecture architecture_bert, architecture_roberta, architecture_xlm_roberta,
    architecture_camembert, architecture_distilbert, architecture_modernbert, architecture_bart,
    architecture_marian, architecture_t5, architecture_mbart, architecture_m2m_100,
    architecture_pegasus, architecture_mt5, architecture_umt5, architecture_blenderbot,
    architecture_blenderbot_small;
extern const Architecture architecture_electra, architecture_mpnet, architecture_albert,
    architecture_deberta_v2, architecture_nomic_bert, architecture_data2vec_text,
    architecture_ernie, architecture_megatron_bert, architecture_roberta_prelayernorm,
    architecture_xlm_roberta_xl, architecture_eurobert, architecture_gte, architecture_new,
    architecture_rembert, architecture_big_bird;

const Architecture *const architectures_all[] = {
    &architecture_bert,
    &architecture_roberta,
    &architecture_xlm_roberta,
    &architecture_camembert,
    &architecture_distilbert,
    &architecture_modernbert,
    &architecture_electra,
    &architecture_mpnet,
    &architecture_albert,
    &architecture_deberta_v2,
    &architecture_nomic_bert,
    &architecture_data2vec_text,
    &architecture_ernie,
    &architecture_megatron_bert,
    &architecture_roberta_prelayernorm,
    &architecture_xlm_roberta_xl,
    &architecture_eurobert,
    &architecture_gte,
    &architecture_new,
    &architecture_rembert,
    &architecture_big_bird,
    &architecture_gpt2,
    &architecture_llama,
    &architecture_mistral,
    &architecture_qwen2,
    &architecture_qwen3,
    &architecture_phi3,
    &architecture_gemma,
    &architecture_gemma2,
    &architecture_gemma3,
    &architecture_granite,
    &architecture_smollm3,
    &architecture_olmo2,
    &architecture_olmo3,
    &architecture_stablelm,
    &architecture_starcoder2,
    &architecture_cohere,
    &architecture_cohere2,
    &architecture_phi,
    &architecture_gpt_neo,
    &architecture_gpt_neox,
    &architecture_gptj,
    &architecture_opt,
    &architecture_bloom,
    &architecture_gpt_bigcode,
    &architecture_falcon,
    &architecture_mixtral,
    &architecture_qwen2_moe,
    &architecture_qwen3_moe,
    &architecture_olmoe,
    &architecture_granitemoe,
    &architecture_flex_olmo,
    &architecture_gpt_oss,
    &architecture_deepseek_v2,
    &architecture_deepseek_v3,
    &architecture_nemotron,
    &architecture_arcee,
    &architecture_glm,
    &architecture_glm4,
    &architecture_olmo,
    &architecture_ernie4_5,
    &architecture_helium,
    &architecture_seed_oss,
    &architecture_hunyuan_v1_dense,
    &architecture_ministral,
    &architecture_ministral3,
    &architecture_exaone4,
    &architecture_modernbert_decoder,
    &architecture_granitemoehybrid,
    &architecture_exaone,
    &architecture_xglm,
    &architecture_glm4_moe,
    &architecture_glm4_moe_lite,
    &architecture_mpt,
    &architecture_codegen,
    &architecture_vaultgemma,
    &architecture_hyperclovax,
    &architecture_jais2,
    &architecture_internlm3,
    &architecture_cwm,
    &architecture_dots1,
    &architecture_hunyuan_v1_moe,
    &architecture_bart,
    &architecture_marian,
    &architecture_t5,
    &architecture_mbart,
    &architecture_m2m_100,
    &architecture_pegasus,
    &architecture_mt5,
    &architecture_umt5,
    &architecture_blenderbot,
    &architecture_blenderbot_small,
};
const size_t architectures_count = sizeof architectures_all / sizeof *architectures_all;

const Architecture *architecture_find(Slice model_type)
{
    for (size_t i = 0; i < architectures_count; i++) {
        if (slice_eq_cstr(model_type, architectures_all[i]->model_type))
            return architectures_all[i];
    }
    return NULL;
}

const ArchitectureClass *architecture_class(const Architecture *architecture, ModelHead head)
{
    for (const ArchitectureClass *c = architecture->classes; c->name; c++) {
        if (c->head == head) return c;
    }
    return NULL;
}
