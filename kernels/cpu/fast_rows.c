#include "kernels/cpu/cpu_rows.h"

const OpRow cpu_fast_rows[] = {{.run = NULL}};
