// The GPU's rows against the reference: one process, one test a check; skipped with the reason where there is no GPU.
#include <criterion/criterion.h>

#include "kernels/check/sweep.h"
#include "kernels/device.h"

static const Device gpu = {.kind = DEVICE_CUDA};

static void check_rows(SweepCheck *check)
{
    Sweep sweep;
    Error err = {0};
    if (sweep_open(gpu, COMPUTE_F32, &sweep, &err) != STATUS_OK) cr_skip_test("%s", err.text);
    for (size_t i = 0; i < op_row_count(); i++) {
        const OpRow *row = op_row(i);
        SweepResult result;
        if (row->device != DEVICE_CUDA || !sweep_can_run(row, NULL)) continue;
        cr_assert_eq(check(&sweep, 1, &row, &result, &err), STATUS_OK, "%s %s: %s",
                     op_info(row->op)->name, row->variant, err.text);
        cr_expect_str_empty(result.failure, "%s: %s", row->variant, result.failure);
    }
    sweep_close(&sweep);
}

Test(cuda, every_row_agrees_with_the_reference)
{
    check_rows(sweep_reference);
}

Test(cuda, a_row_of_the_batch_has_the_same_bits_alone)
{
    check_rows(sweep_parts);
}

Test(cuda, a_nan_stays_in_its_row)
{
    check_rows(sweep_nan);
}

Test(cuda, an_output_over_an_input_has_the_same_bits)
{
    check_rows(sweep_overwrite);
}

Test(cuda, counts_gpus_or_says_why_there_is_none)
{
    size_t n = 1;
    DeviceInfo info;
    Error err = {0};
    if (device_count(&n, &err) != STATUS_OK) {
        cr_expect_eq(n, 0);
        cr_expect_str_not_empty(err.text);
        cr_expect_eq(device_describe(gpu, &info, &err), STATUS_DEVICE);
        return;
    }
    const Device beyond = {.kind = DEVICE_CUDA, .index = (int)n};
    cr_expect_eq(device_describe(beyond, &info, &err), STATUS_DEVICE);
}
