// metrics/metrics_list.h: every metric, for the registry; one line and one file each.
#ifndef ASSAY_METRICS_LIST_H
#define ASSAY_METRICS_LIST_H

#include "metrics/metric.h"

extern const Metric metric_accuracy;
extern const Metric metric_balanced_accuracy;
extern const Metric metric_precision;
extern const Metric metric_recall;
extern const Metric metric_f1;
extern const Metric metric_mcc;
extern const Metric metric_kappa;
extern const Metric metric_top_k;
extern const Metric metric_log_loss;
extern const Metric metric_brier;
extern const Metric metric_auc;
extern const Metric metric_average_precision;
extern const Metric metric_ece;
extern const Metric metric_ece_classwise;
extern const Metric metric_multilabel_f1;
extern const Metric metric_multilabel_precision;
extern const Metric metric_multilabel_recall;
extern const Metric metric_multilabel_jaccard;
extern const Metric metric_multilabel_average_precision;
extern const Metric metric_multilabel_auc;
extern const Metric metric_subset_accuracy;
extern const Metric metric_hamming_loss;
extern const Metric metric_mse;
extern const Metric metric_mae;
extern const Metric metric_r2;
extern const Metric metric_pearson;
extern const Metric metric_spearman;
extern const Metric metric_kendall;
extern const Metric metric_concordance;
extern const Metric metric_entity_f1;
extern const Metric metric_exact_match;
extern const Metric metric_token_f1;
extern const Metric metric_squad_exact;
extern const Metric metric_squad_f1;
extern const Metric metric_squad_best_f1;
extern const Metric metric_bleu;
extern const Metric metric_chrf;
extern const Metric metric_ter;
extern const Metric metric_rouge1;
extern const Metric metric_rouge2;
extern const Metric metric_rouge_l;
extern const Metric metric_rouge_lsum;
extern const Metric metric_wer;
extern const Metric metric_cer;
extern const Metric metric_meteor;
extern const Metric metric_distinct;
extern const Metric metric_repetition;
extern const Metric metric_length_ratio;
extern const Metric metric_precision_at_k;
extern const Metric metric_recall_at_k;
extern const Metric metric_mrr;
extern const Metric metric_map;
extern const Metric metric_ndcg;
extern const Metric metric_win_rate;
extern const Metric metric_bradley_terry;
extern const Metric metric_elo;
extern const Metric metric_cohen_kappa;
extern const Metric metric_fleiss_kappa;
extern const Metric metric_krippendorff_alpha;
extern const Metric metric_demographic_parity;
extern const Metric metric_equal_opportunity;
extern const Metric metric_equalized_odds;
extern const Metric metric_flip_rate;
extern const Metric metric_crows_pairs;
extern const Metric metric_stereoset;
extern const Metric metric_bbq;
extern const Metric metric_winobias;
extern const Metric metric_winogender;
extern const Metric metric_counterfactual;
extern const Metric metric_stereotype_preference;
extern const Metric metric_weat;
extern const Metric metric_seat;
extern const Metric metric_perplexity;
extern const Metric metric_multiple_choice;
extern const Metric metric_pass_at_k;
extern const Metric metric_unparsed;
extern const Metric metric_cut_prompts;

#endif
