#include <criterion/criterion.h>
#include <string.h>

#include "models/training/mask.h"

enum { N = 4000, VOCAB = 1000, MASK = 4 };

static TrainExample make_text(int32_t *ids, int32_t *labels, size_t n, uint64_t key)
{
    for (size_t t = 0; t < n; t++) ids[t] = labels[t] = (int32_t)(100 + t % 800);
    if (n > 1) labels[0] = labels[n - 1] = -100; // special tokens
    return (TrainExample){.input = {.ids = ids, .n_tokens = n, .key = key}, .labels = labels};
}

Test(mask, asks_about_a_share_and_puts_masks_others_or_nothing_in_its_place)
{
    static int32_t ids[N], labels[N], read[N], asked[N];
    const MaskOptions options = {.mask_id = MASK, .vocab_size = VOCAB, .share = 0.15};
    const TrainExample text = make_text(ids, labels, N, 77);
    size_t n_asked = 0, n_masked = 0, n_kept = 0;
    mask_draw(&options, &text, 3, 0, read, asked);
    for (size_t t = 0; t < N; t++) {
        if (asked[t] < 0) {
            cr_expect_eq(read[t], ids[t], "token %zu is not asked about, but changed", t);
            continue;
        }
        cr_expect_eq(asked[t], ids[t]);
        cr_expect(t > 0 && t < N - 1, "a special token is asked about");
        n_asked++;
        n_masked += read[t] == MASK;
        n_kept += read[t] == ids[t];
    }
    // Four standard deviations of binomial counts.
    cr_expect(n_asked > 600 - 91 && n_asked < 600 + 91, "%zu of %d asked about", n_asked, N);
    cr_expect((double)n_masked > 0.73 * (double)n_asked &&
                  (double)n_masked < 0.87 * (double)n_asked,
              "%zu of %zu masked", n_masked, n_asked);
    cr_expect((double)n_kept > 0.05 * (double)n_asked && (double)n_kept < 0.15 * (double)n_asked,
              "%zu of %zu kept", n_kept, n_asked);
}

Test(mask, hangs_on_seed_key_and_epoch_alone_and_leaves_no_text_out)
{
    int32_t ids[12], labels[12], a[12], b[12], asked[12], other[12];
    const MaskOptions options = {.mask_id = MASK, .vocab_size = VOCAB, .share = 0.15};
    size_t n_same = 0;
    for (uint64_t key = 0; key < 50; key++) {
        const TrainExample text = make_text(ids, labels, 12, key);
        size_t n_asked = 0;
        mask_draw(&options, &text, 3, 5, a, asked);
        mask_draw(&options, &text, 3, 5, b, other);
        cr_expect(memcmp(a, b, sizeof a) == 0 && memcmp(asked, other, sizeof asked) == 0);
        for (size_t t = 0; t < 12; t++) n_asked += asked[t] >= 0;
        cr_expect_gt(n_asked, 0, "text %llu is asked about nothing", (unsigned long long)key);
        mask_draw(&options, &text, 3, 6, b, other);
        n_same += memcmp(asked, other, sizeof asked) == 0;
    }
    cr_expect_lt(n_same, 15, "%zu of 50 texts are asked the same in the next epoch", n_same);
    const TrainExample none = make_text(ids, labels, 2, 1);
    mask_draw(&options, &none, 3, 0, a, asked);
    cr_expect(asked[0] < 0 && asked[1] < 0 && a[0] == ids[0] && a[1] == ids[1]);
}
