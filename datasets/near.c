#include "datasets/near.h"

#include <stdlib.h>
#include <string.h>

#include "datasets/dataset.h"
#include "datasets/text_index.h"
#include "datasets/units.h"

enum { N_HASHES = 64, N_BANDS = 16, ROWS = N_HASHES / N_BANDS, RUN = 3, KEPT = 4, MAX_PARTS = 3 };

typedef struct Text {
    uint64_t *runs; // [n_runs] hashes of runs of words, ascending, each once
    size_t n_runs;
    size_t part, sample, number; // number: of all parts' samples
} Text;

// Texts of one band's minima: the last KEPT of each part.
typedef struct Bucket {
    uint64_t key;
    uint32_t texts[MAX_PARTS][KEPT];
    uint8_t n[MAX_PARTS]; // the place of the next is n % KEPT; from KEPT on all are taken
} Bucket;

typedef struct Near {
    Arena *scratch;
    const CheckPart *parts;
    size_t n_parts;
    double threshold;
    NearFound *found;
    Text *texts;
    size_t n_texts;
    Bucket *buckets;
    size_t n_buckets;
    uint32_t *slots; // bucket + 1, 0 = free
    size_t n_slots;
    uint32_t *seen; // [n_texts] text + 1 that last looked at it
    size_t *kin;    // as near_find has it
} Near;

// splitmix64's last step: every bit of the input moves half of the output.
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static bool is_of_word(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
}

// The hash of the next word; false at the end.
static bool next_word(Slice text, size_t *at, uint64_t *hash)
{
    while (*at < text.len && !is_of_word((unsigned char)text.ptr[*at])) (*at)++;
    if (*at == text.len) return false;
    *hash = UINT64_C(0xcbf29ce484222325); // FNV-1a
    for (; *at < text.len && is_of_word((unsigned char)text.ptr[*at]); (*at)++) {
        unsigned char c = (unsigned char)text.ptr[*at];
        if (c >= 'A' && c <= 'Z') c = (unsigned char)(c + 'a' - 'A');
        *hash = (*hash ^ c) * UINT64_C(0x100000001b3);
    }
    return true;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

// Runs of the words of text and pair; fewer words than RUN make one run.
static Status cut_runs(Near *near, const Sample *sample, Text *out, Error *err)
{
    const Slice texts[] = {sample->text, sample->pair};
    uint64_t last[RUN] = {0}, hash;
    size_t n_words = 0;
    TRY(arena_take(near->scratch, (texts[0].len + texts[1].len) / 2 + 2, sizeof *out->runs, "runs",
                   &out->runs, err));
    for (size_t t = 0; t < 2; t++) {
        for (size_t at = 0; next_word(texts[t], &at, &hash); n_words++) {
            last[0] = last[1];
            last[1] = last[2];
            last[2] = hash;
            if (n_words + 1 >= RUN)
                out->runs[out->n_runs++] = mix(last[0] + 3 * mix(last[1] + 5 * mix(last[2])));
        }
    }
    if (n_words > 0 && n_words < RUN) out->runs[out->n_runs++] = mix(last[1] + 5 * mix(last[2]));
    qsort(out->runs, out->n_runs, sizeof *out->runs, by_value);
    size_t n = 0;
    for (size_t i = 0; i < out->n_runs; i++) {
        if (i == 0 || out->runs[i] != out->runs[n - 1]) out->runs[n++] = out->runs[i];
    }
    out->n_runs = n;
    return STATUS_OK;
}

static double similarity(const Text *a, const Text *b)
{
    size_t i = 0, j = 0, n_shared = 0;
    while (i < a->n_runs && j < b->n_runs) {
        n_shared += a->runs[i] == b->runs[j];
        const bool is_less = a->runs[i]<b->runs[j], is_more = a->runs[i]> b->runs[j];
        i += !is_more;
        j += !is_less;
    }
    return (double)n_shared / (double)(a->n_runs + b->n_runs - n_shared);
}

static void signature(const Text *text, uint64_t out[N_HASHES])
{
    memset(out, 0xff, N_HASHES * sizeof *out);
    for (size_t r = 0; r < text->n_runs; r++) {
        for (size_t h = 0; h < N_HASHES; h++) {
            // An odd factor a function; the high bits decide which run is the least.
            const uint64_t value = (text->runs[r] ^ (text->runs[r] >> 29)) *
                                   (UINT64_C(0x9e3779b97f4a7c15) * (2 * h + 1));
            if (value < out[h]) out[h] = value;
        }
    }
}

static Bucket *bucket_of(Near *near, uint64_t key)
{
    size_t slot = (size_t)mix(key) & (near->n_slots - 1);
    while (near->slots[slot] && near->buckets[near->slots[slot] - 1].key != key)
        slot = (slot + 1) & (near->n_slots - 1);
    if (!near->slots[slot]) {
        near->buckets[near->n_buckets] = (Bucket){.key = key};
        near->slots[slot] = (uint32_t)++near->n_buckets;
    }
    return &near->buckets[near->slots[slot] - 1];
}

// best[a]: of the texts of part a in the bucket the one most like the text.
static void look_in(Near *near, const Bucket *bucket, size_t text, NearFound *best)
{
    const Text *mine = &near->texts[text];
    for (size_t a = 0; a <= mine->part; a++) {
        const size_t n = bucket->n[a] < KEPT ? bucket->n[a] : KEPT;
        for (size_t k = 0; k < n; k++) {
            const size_t other = bucket->texts[a][k];
            if (near->seen[other] == text + 1) continue;
            near->seen[other] = (uint32_t)(text + 1);
            const double s = similarity(&near->texts[other], mine);
            if (s < near->threshold) continue;
            if (near->kin) units_join(near->kin, near->texts[other].number, mine->number);
            if (s <= best[a].similarity) continue;
            best[a] = (NearFound){.n = 1, .like = near->texts[other].sample, .similarity = s};
        }
    }
}

static void keep_in(Bucket *bucket, size_t part, uint32_t text)
{
    uint8_t *n = &bucket->n[part];
    bucket->texts[part][*n % KEPT] = text;
    *n = (uint8_t)(*n + 1 == 2 * KEPT ? KEPT : *n + 1);
}

static void look_at(Near *near, size_t text)
{
    const Text *mine = &near->texts[text];
    uint64_t minima[N_HASHES];
    NearFound best[MAX_PARTS] = {{0}};
    signature(mine, minima);
    for (size_t band = 0; band < N_BANDS; band++) {
        uint64_t key = band + 1;
        for (size_t r = 0; r < ROWS; r++) key = mix(key + minima[band * ROWS + r]);
        Bucket *bucket = bucket_of(near, key);
        look_in(near, bucket, text, best);
        keep_in(bucket, mine->part, (uint32_t)text);
    }
    for (size_t a = 0; a <= mine->part; a++) {
        NearFound *found = &near->found[a * near->n_parts + mine->part];
        if (best[a].n == 0) continue;
        if (found->n++ > 0) continue;
        found->sample = mine->sample;
        found->like = best[a].like;
        found->similarity = best[a].similarity;
    }
}

// Inputs that stand earlier in any part are left out: they are duplicates, and counted as such.
static Status collect(Near *near, Error *err)
{
    TextIndex inputs = {.arena = near->scratch};
    char hex[65];
    size_t index, number = 0;
    for (size_t p = 0; p < near->n_parts; p++) {
        const Dataset *data = near->parts[p].data;
        for (size_t i = 0; i < data->n_samples; i++, number++) {
            const size_t n_before = inputs.n;
            sample_input_hash(&data->samples[i], hex);
            const Slice key = arena_copy(near->scratch, (Slice){hex, 32});
            if (!key.ptr) return error_set_memory(err, 1, sizeof hex, "inputs");
            TRY(text_index_add(&inputs, key, &index, err));
            if (inputs.n == n_before) continue;
            Text *text = &near->texts[near->n_texts];
            *text = (Text){.part = p, .sample = i, .number = number};
            TRY(cut_runs(near, &data->samples[i], text, err));
            near->n_texts += text->n_runs > 0;
        }
    }
    return STATUS_OK;
}

Status near_find(Arena *scratch, const CheckPart *parts, size_t n_parts, double threshold,
                 NearFound *found, size_t *kin, Error *err)
{
    enum { MOST = UINT32_MAX / (4 * N_BANDS) };
    Near near = {.scratch = scratch,
                 .parts = parts,
                 .n_parts = n_parts,
                 .threshold = threshold,
                 .found = found,
                 .kin = kin};
    size_t n = 0;
    memset(found, 0, n_parts * n_parts * sizeof *found);
    for (size_t p = 0; p < n_parts; p++) n += parts[p].data->n_samples;
    if (n_parts > MAX_PARTS || n > MOST)
        return error_set(err, STATUS_INVALID,
                         "near duplicates are looked for in %d samples at most", (int)MOST);
    for (near.n_slots = 1024; near.n_slots < 2 * (size_t)N_BANDS * n;) near.n_slots *= 2;
    TRY(arena_take(scratch, n, sizeof *near.texts, "near duplicates", &near.texts, err));
    TRY(arena_take(scratch, n, sizeof *near.seen, "near duplicates", &near.seen, err));
    TRY(arena_take(scratch, near.n_slots, sizeof *near.slots, "near duplicates", &near.slots, err));
    TRY(collect(&near, err));
    TRY(arena_take(scratch, N_BANDS * near.n_texts, sizeof *near.buckets, "near duplicates",
                   &near.buckets, err));
    for (size_t i = 0; i < near.n_texts; i++) look_at(&near, i);
    return STATUS_OK;
}

static Status keep_near(Arena *scratch, Dataset *data, double threshold, Error *err)
{
    const CheckPart part = {.name = "train", .data = data};
    NearKept *kept = NULL;
    size_t *kin = NULL;
    TRY(arena_take(&data->arena, 1, sizeof *kept, "near duplicates", &kept, err));
    *kept = (NearKept){.n_samples = data->n_samples, .threshold = threshold};
    TRY(arena_take(&data->arena, data->n_samples, sizeof *kin, "near duplicates", &kin, err));
    for (size_t i = 0; i < data->n_samples; i++) kin[i] = i;
    TRY(near_find(scratch, &part, 1, threshold, &kept->found, kin, err));
    for (size_t i = 0; i < data->n_samples; i++) kin[i] = units_root(kin, i);
    data->kin = kin;
    data->near_kept = kept;
    return STATUS_OK;
}

Status splits_keep_near(Dataset *data, double threshold, Error *err)
{
    Arena scratch = {0};
    const Status s = keep_near(&scratch, data, threshold, err);
    arena_release(&scratch);
    return s;
}
