#include <criterion/criterion.h>

#include <stdlib.h>
#include <sys/resource.h>

#include "base/machine.h"

Test(machine, describes_itself)
{
    Machine machine;
    machine_describe(&machine);
    cr_assert_gt(strlen(machine.cpu_model), 0);
    cr_assert_gt(strlen(machine.architecture), 0);
    cr_assert_eq(strncmp(machine.os, "Linux ", 6), 0, "%s", machine.os);
    cr_assert_geq(machine.n_threads, 1);
    cr_assert_gt(machine.memory_bytes, 1 << 20);
    cr_assert_leq(machine.memory_available_bytes, machine.memory_bytes);
    cr_assert_gt(machine_peak_rss(), 100 << 10);
    cr_assert_eq(machine.cpu_features, machine_cpu_features());
}

// ulimit -v: what is left of it is all that a process may take.
Test(machine, limits_of_the_process_limit_its_memory)
{
    uint64_t total, before, after;
    struct rlimit limit;
    machine_memory(&total, &before);
    cr_assert_eq(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = (rlim_t)1 << 30;
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
    machine_memory(&total, &after);
    cr_expect_lt(after, (uint64_t)1 << 30);
    cr_expect_leq(after, before);
    cr_expect_gt(after, 0);
    cr_expect_gt(total, after);
}

Test(machine, setting_lowers_the_features)
{
    cr_assert_eq(setenv("ASSAY_CPU", "avx2", 1), 0);
    cr_assert(machine_cpu_setting_is_known());
    cr_assert_eq(machine_cpu_features() & ~(unsigned)CPU_AVX2, 0);
}

Test(machine, base_setting_leaves_no_feature)
{
    cr_assert_eq(setenv("ASSAY_CPU", "base", 1), 0);
    cr_assert_eq(machine_cpu_features(), 0);
}

Test(machine, unknown_setting_is_told)
{
    cr_assert_eq(setenv("ASSAY_CPU", "avx1024", 1), 0);
    cr_assert_not(machine_cpu_setting_is_known());
    cr_assert_eq(setenv("ASSAY_CPU", "", 1), 0);
    cr_assert(machine_cpu_setting_is_known());
}

Test(machine, names_features_within_the_space_given)
{
    char text[64];
    machine_feature_names(CPU_AVX2 | CPU_AVX512 | CPU_AMX, text, sizeof text);
    cr_assert_str_eq(text, "avx2 avx512 amx");
    machine_feature_names(CPU_AVX2 | CPU_AVX512, text, 7);
    cr_assert_str_eq(text, "avx2 a");
    machine_feature_names(CPU_BASE, text, sizeof text);
    cr_assert_str_eq(text, "");
}
