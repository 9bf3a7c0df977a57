#include "metrics/metric.h"

#include "metrics/metrics_list.h"

const Metric *const metrics_all[] = {
    &metric_accuracy,
    &metric_balanced_accuracy,
    &metric_precision,
    &metric_recall,
    &metric_f1,
    &metric_mcc,
    &metric_kappa,
    &metric_top_k,
    &metric_log_loss,
    &metric_brier,
    &metric_auc,
    &metric_average_precision,
    &metric_ece,
    &metric_ece_classwise,
    &metric_multilabel_f1,
    &metric_multilabel_precision,
    &metric_multilabel_recall,
    &metric_multilabel_jaccard,
    &metric_multilabel_average_precision,
    &metric_multilabel_auc,
    &metric_subset_accuracy,
    &metric_hamming_loss,
    &metric_mse,
    &metric_mae,
    &metric_r2,
    &metric_pearson,
    &metric_spearman,
    &metric_kendall,
    &metric_concordance,
    &metric_entity_f1,
    &metric_exact_match,
    &metric_token_f1,
    &metric_squad_exact,
    &metric_squad_f1,
    &metric_squad_best_f1,
    &metric_bleu,
    &metric_chrf,
    &metric_ter,
    &metric_rouge1,
    &metric_rouge2,
    &metric_rouge_l,
    &metric_rouge_lsum,
    &metric_wer,
    &metric_cer,
    &metric_meteor,
    &metric_distinct,
    &metric_repetition,
    &metric_length_ratio,
    &metric_perplexity,
    &metric_multiple_choice,
    &metric_pass_at_k,
    &metric_unparsed,
    &metric_cut_prompts,
    &metric_precision_at_k,
    &metric_recall_at_k,
    &metric_mrr,
    &metric_map,
    &metric_ndcg,
    &metric_win_rate,
    &metric_bradley_terry,
    &metric_elo,
    &metric_cohen_kappa,
    &metric_fleiss_kappa,
    &metric_krippendorff_alpha,
    &metric_demographic_parity,
    &metric_equal_opportunity,
    &metric_equalized_odds,
    &metric_flip_rate,
    &metric_crows_pairs,
    &metric_stereoset,
    &metric_bbq,
    &metric_winobias,
    &metric_winogender,
    &metric_counterfactual,
    &metric_stereotype_preference,
    &metric_weat,
    &metric_seat,
};
const size_t metrics_count = sizeof metrics_all / sizeof *metrics_all;

const Metric *metric_find(Slice name)
{
    for (size_t i = 0; i < metrics_count; i++) {
        if (slice_eq_cstr(name, metrics_all[i]->name)) return metrics_all[i];
    }
    return NULL;
}

const char *metric_nearest(Slice name)
{
    const char *names[sizeof metrics_all / sizeof *metrics_all];
    for (size_t i = 0; i < metrics_count; i++) names[i] = metrics_all[i]->name;
    return nearest_name(name, names, metrics_count);
}
