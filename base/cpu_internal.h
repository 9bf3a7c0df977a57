// base/cpu_internal.h: what the processor says of itself (cpuid), for machine.c.
#ifndef ASSAY_BASE_CPU_INTERNAL_H
#define ASSAY_BASE_CPU_INTERNAL_H

#include <stdbool.h>

// CpuFeature bits that the processor has and the system saves the registers of; 0 on other architectures than x86-64.
// Asks Linux for the use of AMX tiles, which it grants a process only on request.
unsigned cpu_find_features(void);

// Whether Intel made it.
bool cpu_is_intel(void);

// The processor's name for itself, trimmed; false where it has none.
bool cpu_brand(char out[128]);

#endif
