// kernels/bench.h: the kernel bench: every row of the operation table timed against the machine's limits.
//
// A case is an operation on the shape that a real model gives it (MiniLM-L6, BERT-base). All variants that the machine can
// run take turns, sample by sample, so that what else runs on the machine meets them alike. A sample is one thread's CPU
// time of one or more calls; wall time is kept beside it. Sampling ends when the 95 % interval of the median (order
// statistics of the binomial, as in Le Boudec 2010, sec. 2.2) is narrower than options.precision of the median, or when
// the case's time is up. Every result is compared with the reference's and a checksum of it is kept, so nothing can be
// optimised away. A limit is what the same run measured: fused multiply-adds from registers for the variant's instruction
// set, reading memory in large pages.
#ifndef ASSAY_KERNELS_BENCH_H
#define ASSAY_KERNELS_BENCH_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json_writer.h"
#include "kernels/exec.h"
#include "kernels/op.h"

// What the machine gives one thread, measured.
typedef struct BenchLimits {
    double fma_avx2,
        fma_avx512; // floating-point operations a second; 0 where the machine has no such instructions
    double fma_base;                          // multiply and add in plain C
    double read_small_pages, read_huge_pages; // bytes a second, out of memory
    size_t read_bytes;                        // size of the memory read
} BenchLimits;

typedef struct BenchSample {
    double cpu_s, wall_s; // of one call, averaged over the sample's calls
} BenchSample;

typedef struct BenchResult {
    const OpRow *row;
    const char *shape; // "minilm ffn up 512 x 1536 x 384 gelu"
    double n_flops;    // of one call: 2 a multiply-add of products; 0 where an operation has none
    double n_bytes;    // that one call reads and writes at least
    size_t calls_per_sample, n_samples;
    BenchSample *samples;           // in the order of time
    double median_s, low_s, high_s; // CPU time of one call, and the 95 % interval of the median
    double q10_s, q90_s, best_s;
    double wall_ratio; // median of wall over CPU time: above 1.1 the machine was busy
    double share_of_fma, share_of_read; // of the limits; 0 where the limit or the work is unknown
    double error;     // largest difference from the reference, as a share of its largest magnitude
    double tolerance; // what that may be: grows with the length of the sums
    double checksum;
} BenchResult;

typedef struct BenchReport {
    BenchLimits limits, limits_after; // before the first case and after the last
    BenchResult *results;             // by case, then variant in the order of the table
    size_t n_results;
    double load_average;
} BenchReport;

typedef struct BenchOptions {
    const char *filter;      // only cases whose operation or shape contains this text; NULL = all
    const char *variant;     // only this variant (and the reference, once, to check it); NULL = all
    double seconds_per_case; // 0 = 1.0
    double precision;        // 0 = 0.02
    // Called before each case; a value other than 0 ends the run with STATUS_CANCELLED. May be NULL.
    int (*progress)(void *context, size_t done, size_t total, const char *shape);
    void *context;
} BenchOptions;

enum { BENCH_MIN_SAMPLES = 5, BENCH_MAX_SAMPLES = 1000 };

// Whether some case times this operation.
bool bench_covers(OpKind op);
size_t bench_case_count(void);
// "linear: minilm ..." of a case, for lists; NULL past the end.
const char *bench_case_shape(size_t index);
OpKind bench_case_op(size_t index);

// Measures the limits alone: about half a second. STATUS_MEMORY.
Status bench_measure_limits(BenchLimits *out, Error *err) MUST_CHECK;
// Runs the cases; *out and all in it live in the arena. STATUS_NOT_FOUND where the filter matches no case (the message
// lists the operations), STATUS_INTERNAL where a variant's result is not the reference's within tolerance.
Status bench_run(const BenchOptions *options, Arena *arena, BenchReport *out,
                 Error *err) MUST_CHECK;

// For people: limits, then a line a result.
void bench_write_table(const BenchReport *report, Buffer *out);
// One object: {"limits": {...}, "results": [{"op", "variant", "shape", "median_s", "samples": [...], ...}]}.
void bench_write_json(const BenchReport *report, JsonWriter *w);

// The median of n sorted values and the ranks of its 95 % interval. n at least 1; below 6 the interval is all of them.
double bench_median(const double *sorted, size_t n);
void bench_median_interval(size_t n, size_t *low, size_t *high);

#endif
