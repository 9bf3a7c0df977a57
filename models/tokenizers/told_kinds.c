// What the classes of Transformers make of older files, beyond what those say: one row a kind.
#include "models/tokenizers/told_internal.h"

// ---- special tokens ----

static const char *const end_of_text = "<|endoftext|>";
static const char *const roles_gpt2[N_ROLES] = {end_of_text, end_of_text, end_of_text};
static const char *const roles_qwen2[N_ROLES] = {NULL, end_of_text, end_of_text, NULL, end_of_text};
static const char *const roles_neox[N_ROLES] = {end_of_text, end_of_text, end_of_text, NULL,
                                                "<|padding|>"};
static const char *const roles_cohere[N_ROLES] = {
    "<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>", "<UNK>", "<SEP>", "<PAD>", "<CLS>", "<MASK_TOKEN>"};
static const char *const roles_fairseq[N_ROLES] = {"<s>",   "</s>", "<unk>", "</s>",
                                                   "<pad>", "<s>",  "<mask>"};
static const char *const roles_mbart50[N_ROLES] = {NULL,    "</s>", "<unk>", "</s>",
                                                   "<pad>", "<s>",  "<mask>"};
static const char *const roles_pegasus[N_ROLES] = {NULL,    "</s>", "<unk>",   NULL,
                                                   "<pad>", NULL,   "<mask_2>"};
static const char *const roles_llama[N_ROLES] = {"<s>", "</s>", "<unk>"};
static const char *const roles_gemma[N_ROLES] = {"<bos>", "<eos>", "<unk>", NULL,
                                                 "<pad>", NULL,    "<mask>"};
static const char *const roles_m2m100[N_ROLES] = {"<s>", "</s>", "<unk>", "</s>", "<pad>"};
static const char *const roles_t5[N_ROLES] = {NULL, "</s>", "<unk>", NULL, "<pad>"};
static const char *const roles_albert[N_ROLES] = {"[CLS]", "[SEP]", "<unk>", "[SEP]",
                                                  "<pad>", "[CLS]", "[MASK]"};
static const char *const roles_deberta[N_ROLES] = {"[CLS]", "[SEP]", "[UNK]", "[SEP]",
                                                   "[PAD]", "[CLS]", "[MASK]"};
static const char *const roles_big_bird[N_ROLES] = {"<s>",   "</s>",  "<unk>", "[SEP]",
                                                    "<pad>", "[CLS]", "[MASK]"};
static const char *const roles_bert[N_ROLES] = {NULL,    NULL,    "[UNK]", "[SEP]",
                                                "[PAD]", "[CLS]", "[MASK]"};
static const char *const roles_xglm[N_ROLES] = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>"};
static const char *const roles_none[N_ROLES] = {NULL};
static const char *const roles_mpnet[N_ROLES] = {"<s>",   "</s>", "[UNK]", "</s>",
                                                 "<pad>", "<s>",  "<mask>"};

// ---- languages, in the order of their ids ----

#define MBART_LANGUAGES                                                                    \
    "ar_AR cs_CZ de_DE en_XX es_XX et_EE fi_FI fr_XX gu_IN hi_IN it_IT ja_XX kk_KZ ko_KR " \
    "lt_LT lv_LV my_MM ne_NP nl_XX ro_RO ru_RU si_LK tr_TR vi_VN zh_CN"
static const char mbart50_languages[] = MBART_LANGUAGES
    " "
    "af_ZA az_AZ bn_IN fa_IR he_IL hr_HR id_ID ka_GE km_KH mk_MK ml_IN mn_MN mr_IN pl_PL "
    "ps_AF pt_XX sv_SE sw_KE ta_IN te_IN th_TH tl_XX uk_UA ur_PK xh_ZA gl_ES sl_SI";
static const char nllb_languages[] =
    "ace_Arab ace_Latn acm_Arab acq_Arab aeb_Arab afr_Latn ajp_Arab aka_Latn amh_Ethi "
    "apc_Arab arb_Arab ars_Arab ary_Arab arz_Arab asm_Beng ast_Latn awa_Deva ayr_Latn "
    "azb_Arab azj_Latn bak_Cyrl bam_Latn ban_Latn bel_Cyrl bem_Latn ben_Beng bho_Deva "
    "bjn_Arab bjn_Latn bod_Tibt bos_Latn bug_Latn bul_Cyrl cat_Latn ceb_Latn ces_Latn "
    "cjk_Latn ckb_Arab crh_Latn cym_Latn dan_Latn deu_Latn dik_Latn dyu_Latn dzo_Tibt "
    "ell_Grek eng_Latn epo_Latn est_Latn eus_Latn ewe_Latn fao_Latn pes_Arab fij_Latn "
    "fin_Latn fon_Latn fra_Latn fur_Latn fuv_Latn gla_Latn gle_Latn glg_Latn grn_Latn "
    "guj_Gujr hat_Latn hau_Latn heb_Hebr hin_Deva hne_Deva hrv_Latn hun_Latn hye_Armn "
    "ibo_Latn ilo_Latn ind_Latn isl_Latn ita_Latn jav_Latn jpn_Jpan kab_Latn kac_Latn "
    "kam_Latn kan_Knda kas_Arab kas_Deva kat_Geor knc_Arab knc_Latn kaz_Cyrl kbp_Latn "
    "kea_Latn khm_Khmr kik_Latn kin_Latn kir_Cyrl kmb_Latn kon_Latn kor_Hang kmr_Latn "
    "lao_Laoo lvs_Latn lij_Latn lim_Latn lin_Latn lit_Latn lmo_Latn ltg_Latn ltz_Latn "
    "lua_Latn lug_Latn luo_Latn lus_Latn mag_Deva mai_Deva mal_Mlym mar_Deva min_Latn "
    "mkd_Cyrl plt_Latn mlt_Latn mni_Beng khk_Cyrl mos_Latn mri_Latn zsm_Latn mya_Mymr "
    "nld_Latn nno_Latn nob_Latn npi_Deva nso_Latn nus_Latn nya_Latn oci_Latn gaz_Latn "
    "ory_Orya pag_Latn pan_Guru pap_Latn pol_Latn por_Latn prs_Arab pbt_Arab quy_Latn "
    "ron_Latn run_Latn rus_Cyrl sag_Latn san_Deva sat_Beng scn_Latn shn_Mymr sin_Sinh "
    "slk_Latn slv_Latn smo_Latn sna_Latn snd_Arab som_Latn sot_Latn spa_Latn als_Latn "
    "srd_Latn srp_Cyrl ssw_Latn sun_Latn swe_Latn swh_Latn szl_Latn tam_Taml tat_Cyrl "
    "tel_Telu tgk_Cyrl tgl_Latn tha_Thai tir_Ethi taq_Latn taq_Tfng tpi_Latn tsn_Latn "
    "tso_Latn tuk_Latn tum_Latn tur_Latn twi_Latn tzm_Tfng uig_Arab ukr_Cyrl umb_Latn "
    "urd_Arab uzn_Latn vec_Latn vie_Latn war_Latn wol_Latn xho_Latn ydd_Hebr yor_Latn "
    "yue_Hant zho_Hans zho_Hant zul_Latn";

// ---- ids that go before those of the model's pieces ----

static const ToldFirst first_fairseq[] = {
    {ROLE_BOS, "<s>", 0}, {ROLE_PAD, "<pad>", 0}, {ROLE_EOS, "</s>", 0}, {ROLE_UNK, "<unk>", 0}};
static const ToldFirst first_mbart50[] = {
    {ROLE_CLS, "<s>", 0}, {ROLE_PAD, "<pad>", 0}, {ROLE_EOS, "</s>", 0}, {ROLE_UNK, "<unk>", 0}};
static const ToldFirst first_camembert[] = {{TOLD_NO_ROLE, "<s>NOTUSED", 0},
                                            {ROLE_PAD, "<pad>", 0},
                                            {TOLD_NO_ROLE, "</s>NOTUSED", 0},
                                            {ROLE_UNK, "<unk>", 0},
                                            {TOLD_NO_ROLE, "<unk>NOTUSED", -100}};
static const ToldFirst first_pegasus[] = {{ROLE_PAD, "<pad>", 0}, {ROLE_EOS, "</s>", 0}};

#define FIRST(list) .first = (list), .n_first = sizeof(list) / sizeof *(list)

// ---- normalisers: lists of components, of which "" is the model's character map ----

#define TWO_BLANKS_TO(text) \
    "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" {2,}\"},\"content\":\"" text "\"}"
static const char *const only_map[] = {"", NULL};
static const char *const map_and_blanks[] = {"", TWO_BLANKS_TO(" "), NULL};
static const char *const line_ends_and_blanks[] = {
    "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\n\"},\"content\":\" \"}", TWO_BLANKS_TO(" "),
    NULL};
static const char *const blanks_to_mark[] = {
    "{\"type\":\"Strip\",\"strip_left\":false,\"strip_right\":false}",
    TWO_BLANKS_TO("\xE2\x96\x81"), NULL};
static const char *const blanks_and_nfc[] = {
    "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\\\s{2,}|[\\n\\r\\t]\"},\"content\":\" \"}",
    "{\"type\":\"NFC\"}", "{\"type\":\"Strip\",\"strip_left\":false,\"strip_right\":true}", NULL};

// ---- words: letters and other signs as Qwen's two patterns have them ----

#define SPLIT_BY(letters, signs)                                                                 \
    "{\"type\":\"Split\",\"behavior\":\"Isolated\",\"invert\":false,\"pattern\":{\"Regex\":"     \
    "\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?" letters "|\\\\p{N}| ?" signs \
    "+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"}}"

// ---- the kinds ----

const ToldRules told_rules[] = {
    [TOLD_GPT2] = {.class = "GPT2Tokenizer",
                   .roles = roles_gpt2,
                   .single = "bAe",
                   .pair = "bAeb1B1e1",
                   .ends_are_optional = true,
                   .keeps_post = true},
    [TOLD_CODEGEN] = {.class = "CodeGenTokenizer",
                      .roles = roles_gpt2,
                      .single = "bAe",
                      .pair = "bAeb1B1e1",
                      .ends_are_optional = true,
                      .keeps_post = true},
    [TOLD_QWEN2] = {.class = "Qwen2Tokenizer",
                    .roles = roles_qwen2,
                    .single = "bAe",
                    .pair = "bAeb1B1e1",
                    .ends_are_optional = true,
                    .keeps_post = true,
                    .splitter = SPLIT_BY("\\\\p{L}+", "[^\\\\s\\\\p{L}\\\\p{N}]"),
                    .splitter_is_all = true,
                    .is_nfc = true},
    [TOLD_QWEN3_5] = {.class = "Qwen3_5Tokenizer",
                      .roles = roles_qwen2,
                      .single = "bAe",
                      .pair = "bAeb1B1e1",
                      .ends_are_optional = true,
                      .keeps_post = true,
                      .splitter =
                          SPLIT_BY("[\\\\p{L}\\\\p{M}]+", "[^\\\\s\\\\p{L}\\\\p{M}\\\\p{N}]"),
                      .splitter_is_all = true,
                      .is_nfc = true},
    [TOLD_NEOX] = {.class = "GPTNeoXTokenizer",
                   .roles = roles_neox,
                   .single = "bAe",
                   .pair = "bAeb1B1e1",
                   .ends_are_optional = true,
                   .is_nfc = true},
    [TOLD_COHERE] = {.class = "CohereTokenizer",
                     .roles = roles_cohere,
                     .single = "bAe",
                     .pair = "bAeb1B1e1",
                     .ends_are_optional = true,
                     .keeps_post = true,
                     .splitter = "{\"type\":\"Digits\",\"individual_digits\":true}",
                     .is_nfc = true},
    [TOLD_ROBERTA] = {.class = "RobertaTokenizer",
                      .roles = roles_fairseq,
                      .single = "cAs",
                      .pair = "cAssBs"},
    [TOLD_BLENDERBOT] = {.class = "BlenderbotTokenizer",
                         .roles = roles_fairseq,
                         .mask_takes_blank = true,
                         .single = "bAe",
                         .pair = "bAeb1B1e1",
                         .ends_are_optional = true,
                         .keeps_post = true},
    [TOLD_DEBERTA_BYTES] = {.class = "DebertaTokenizer",
                            .roles = roles_deberta,
                            .single = "cAs",
                            .pair = "cAssBs"},
    [TOLD_XLMR] = {.class = "XLMRobertaTokenizer",
                   .roles = roles_fairseq,
                   .single = "bAe",
                   .pair = "bAeeBe",
                   FIRST(first_fairseq),
                   .n_skipped = 3,
                   .has_mask = true,
                   .unk = 3,
                   .normalizers = only_map,
                   .splits_blanks = true,
                   .prefix_is_optional = true},
    [TOLD_CAMEMBERT] = {.class = "CamembertTokenizer",
                        .roles = roles_fairseq,
                        .mask_takes_blank = true,
                        .single = "bAe",
                        .pair = "bAeeBe",
                        FIRST(first_camembert),
                        .n_skipped = 1,
                        .has_mask = true,
                        .unk = 3,
                        .normalizers = only_map,
                        .splits_blanks = true,
                        .prefix_is_optional = true,
                        .extras = "<s>NOTUSED </s>NOTUSED <unk>NOTUSED"},
    [TOLD_MBART] = {.class = "MBartTokenizer",
                    .keeps_post = true, // languages.c puts its own there
                    .roles = roles_fairseq,
                    .mask_takes_blank = true,
                    .single = "Ael",
                    .pair = "ABel",
                    .language = "en_XX",
                    FIRST(first_fairseq),
                    .n_skipped = 3,
                    .languages = MBART_LANGUAGES,
                    .has_mask = true,
                    .unk = 3,
                    .splits_blanks = true},
    [TOLD_MBART50] = {.class = "MBart50Tokenizer",
                      .keeps_post = true, // languages.c puts its own there
                      .roles = roles_mbart50,
                      .mask_takes_blank = true,
                      .single = "lAe",
                      .pair = "lABe",
                      .language = "en_XX",
                      FIRST(first_mbart50),
                      .n_skipped = 3,
                      .languages = mbart50_languages,
                      .has_mask = true,
                      .unk = 3,
                      .normalizers = map_and_blanks},
    [TOLD_NLLB] = {.class = "NllbTokenizer",
                   .keeps_post = true, // languages.c puts its own there
                   .roles = roles_fairseq,
                   .mask_takes_blank = true,
                   .mask_is_normalized = true,
                   .single = "lAe",
                   .pair = "lABe",
                   .language = "eng_Latn",
                   FIRST(first_fairseq),
                   .is_bpe = true,
                   .languages = nllb_languages,
                   .normalizers = map_and_blanks,
                   .wants_map = true},
    [TOLD_PEGASUS] = {.class = "PegasusTokenizer",
                      .roles = roles_pegasus,
                      .single = "Ae",
                      .pair = "ABe",
                      FIRST(first_pegasus),
                      .n_skipped = 2,
                      .unk = TOLD_UNK_NAMED,
                      .normalizers = map_and_blanks,
                      .without_map = line_ends_and_blanks},
    [TOLD_ALBERT] = {.class = "AlbertTokenizer",
                     .roles = roles_albert,
                     .keeps_post = true,
                     .single = "cAs",
                     .pair = "cAsB1s1",
                     .unk = 1,
                     .normalizers = only_map,
                     .splits_blanks = true,
                     .prefix_is_optional = true},
    [TOLD_DEBERTA] = {.class = "DebertaV2Tokenizer",
                      .roles = roles_deberta,
                      .single = "cAs",
                      .pair = "cAsB1s1",
                      .unk = TOLD_UNK_NAMED,
                      .normalizers = blanks_and_nfc,
                      .prefix_is_optional = true},
    [TOLD_BIG_BIRD] = {.class = "BigBirdTokenizer",
                       .roles = roles_big_bird,
                       .mask_takes_blank = true,
                       .single = "cAs",
                       .pair = "cAsB1s1",
                       .unk = TOLD_UNK_NAMED,
                       .normalizers = blanks_to_mark,
                       .prefix_is_optional = true},
    [TOLD_REMBERT] = {.class = "RemBertTokenizer",
                      .roles = roles_albert,
                      .single = "cAs",
                      .pair = "cAsB1s1",
                      .unk = 2,
                      .normalizers = only_map,
                      .prefix_is_optional = true},
    [TOLD_XGLM] = {.class = "XGLMTokenizer",
                   .roles = roles_xglm,
                   .single = "eA",
                   .pair = "eAeeB",
                   .unk = 3,
                   .normalizers = map_and_blanks,
                   .prefix_is_optional = true,
                   .extras = "<madeupword0> <madeupword1> <madeupword2> <madeupword3> "
                             "<madeupword4> <madeupword5> <madeupword6>"},
    [TOLD_T5] = {.class = "T5Tokenizer",
                 .roles = roles_t5,
                 .single = "Ae",
                 .pair = "AeBe",
                 .unk = 2,
                 .normalizers = only_map,
                 .splits_blanks = true},
    [TOLD_BERT] = {.class = "BertTokenizer",
                   .roles = roles_bert,
                   .single = "cAs",
                   .pair = "cAsB1s1"},
    [TOLD_MPNET] = {.class = "MPNetTokenizer",
                    .roles = roles_mpnet,
                    .mask_takes_blank = true,
                    .single = "cAs",
                    .pair = "cAssBs"},
    [TOLD_PLAIN] = {.class = "TokenizersBackend", .roles = roles_llama},
    [TOLD_LLAMA] = {.class = "LlamaTokenizer", .roles = roles_llama, .keeps_post = true},
    [TOLD_CODE_LLAMA] = {.class = "CodeLlamaTokenizer",
                         .roles = roles_llama,
                         .single = "bA",
                         .pair = "bAb1B1",
                         .extras = "\xE2\x96\x81<PRE> \xE2\x96\x81<MID> \xE2\x96\x81<SUF> "
                                   "\xE2\x96\x81<EOT> <FILL_ME>"},
    [TOLD_MARIAN] = {.class = "MarianTokenizer", .roles = roles_t5},
    [TOLD_M2M100] = {.class = "M2M100Tokenizer", .roles = roles_m2m100},
    [TOLD_GEMMA] = {.class = "GemmaTokenizer", .roles = roles_gemma, .keeps_post = true},
    [TOLD_KEPT] = {.class = "TokenizersBackend", .roles = roles_none},
};
