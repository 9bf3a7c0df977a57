// kernels/cpu/attention_pages.h: the fast attention's parts for pages that are whole for each head (AttentionArgs.pages_by_head);
// for attention_fast.c.
#ifndef ASSAY_KERNELS_CPU_ATTENTION_PAGES_H
#define ASSAY_KERNELS_CPU_ATTENTION_PAGES_H

#include "kernels/cpu/attention_fast.h"

// All heads of a sequence that has few queries: keys and values are read once, where they lie. STATUS_MEMORY without scratch.
Status attention_pages_few_avx2(const OpArgs *args, const AttentionHead *head, Exec *exec,
                                Error *err);
Status attention_pages_few_avx512(const OpArgs *args, const AttentionHead *head, Exec *exec,
                                  Error *err);
// Keys [j0, j0 + n) of one head into panels of 16 keys, values into panels of 16 columns. j0 begins a page.
void attention_pages_pack_avx2(const AttentionHead *head, size_t j0, size_t n, float *keys,
                               float *values);
void attention_pages_pack_avx512(const AttentionHead *head, size_t j0, size_t n, float *keys,
                                 float *values);

#endif
