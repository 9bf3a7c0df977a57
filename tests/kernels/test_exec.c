#include <criterion/criterion.h>

#include <stdint.h>
#include <string.h>

#include "kernels/exec.h"

static Exec *open_exec(ExecOptions options)
{
    Exec *exec = NULL;
    Error err = {0};
    cr_assert_eq(exec_open(&options, &exec, &err), STATUS_OK, "%s", err.text);
    return exec;
}

Test(exec, scratch_is_aligned_and_never_moves)
{
    Exec *exec = open_exec((ExecOptions){0});
    unsigned char *first = exec_scratch(exec, 100);
    memset(first, 0x5a, 100);
    for (size_t size = 1; size < (size_t)1 << 23; size *= 3) { // through several chunks
        unsigned char *p = exec_scratch(exec, size);
        cr_assert_not_null(p);
        cr_expect_eq((uintptr_t)p % 64, 0);
        memset(p, 0xa5, size);
    }
    for (int i = 0; i < 100; i++) cr_assert_eq(first[i], 0x5a);
    exec_close(&exec);
}

Test(exec, scratch_is_the_same_again_after_a_release)
{
    Exec *exec = open_exec((ExecOptions){0});
    void *places[2][12];
    for (int round = 0; round < 2; round++) {
        const size_t mark = exec_scratch_mark(exec);
        cr_expect_eq(mark, 0);
        for (size_t i = 0; i < 12; i++) places[round][i] = exec_scratch(exec, i * 300001);
        exec_scratch_release(exec, mark);
    }
    cr_expect_arr_eq(places[0], places[1], sizeof places[0]);
    exec_close(&exec);
}

Test(exec, scratch_released_to_an_inner_mark_keeps_what_is_below)
{
    Exec *exec = open_exec((ExecOptions){0});
    char *below = exec_scratch(exec, 700000);
    const size_t mark = exec_scratch_mark(exec);
    char *above = exec_scratch(exec, 700000); // in another chunk
    exec_scratch_release(exec, mark);
    cr_expect_eq(exec_scratch(exec, 700000), above);
    exec_scratch_release(exec, mark);
    char *small = exec_scratch(exec, 64);
    cr_expect(small >= below + 700000 || small < below);
    exec_close(&exec);
}

Test(exec, too_much_scratch_is_refused)
{
    Exec *exec = open_exec((ExecOptions){0});
    cr_expect_null(exec_scratch(exec, SIZE_MAX));
    cr_expect_null(exec_scratch(exec, SIZE_MAX - 200));
    cr_expect_not_null(exec_scratch(exec, 10));
    exec_close(&exec);
    exec_close(&exec);
}

Test(exec, picks_references_alone_when_asked)
{
    Exec *exec = open_exec((ExecOptions){.reference_only = 1, .lane = 3});
    for (int op = 0; op < OP_COUNT; op++) {
        cr_expect_str_eq(exec_row(exec, (OpKind)op, DTYPE_F32)->variant, "reference");
        cr_expect_str_eq(exec_row(exec, (OpKind)op, DTYPE_F64)->variant, "reference");
    }
    cr_expect_eq(exec_lane(exec), 3);
    exec_close(&exec);
}

Test(exec, an_operation_without_a_row_is_an_error)
{
    Exec *exec = open_exec((ExecOptions){0});
    const OpArgs args = {0};
    Error err = {0};
    cr_expect_eq(op_run(exec, OP_LINEAR, DTYPE_BF16, &args, &err), STATUS_DEVICE);
    cr_expect_not_null(strstr(err.text, "linear"));
    cr_expect_not_null(strstr(err.text, "bf16"));
    exec_close(&exec);
}

Test(exec, a_missing_gpu_is_an_error_that_says_so)
{
    const ExecOptions options = {.device = {.kind = DEVICE_CUDA, .index = 99}};
    Exec *exec = NULL;
    Error err = {0};
    cr_expect_eq(exec_open(&options, &exec, &err), STATUS_DEVICE);
    cr_expect_null(exec);
    cr_expect_not_null(strstr(err.text, "cuda:99"), "%s", err.text);
}

Test(exec, memory_of_the_cpu_goes_up_and_down)
{
    Exec *exec = open_exec((ExecOptions){0});
    Error err = {0};
    void *memory = NULL;
    char back[6] = "";
    cr_assert_eq(exec_alloc(exec, 6, &memory, &err), STATUS_OK);
    cr_assert_eq(exec_upload(exec, memory, "hello", 6, &err), STATUS_OK);
    cr_assert_eq(exec_download(exec, back, memory, 6, &err), STATUS_OK);
    cr_assert_eq(exec_wait(exec, &err), STATUS_OK);
    cr_expect_str_eq(back, "hello");
    exec_free(exec, memory, 6);
    exec_close(&exec);
}
