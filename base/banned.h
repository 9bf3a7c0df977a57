// base/banned.h: functions that we do not use, poisoned for every source file of ours (forced in by the build).
//
// strcpy and kin lose lengths; atoi and kin swallow errors; strtok, rand and kin keep hidden state; setlocale would
// change how numbers are written.
#ifndef ASSAY_BASE_BANNED_H
#define ASSAY_BASE_BANNED_H

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strncpy stpcpy strcat strncat sprintf vsprintf gets
#pragma GCC poison strtok strtok_r atoi atol atoll atof
#pragma GCC poison rand srand random srandom drand48 rand_r
#pragma GCC poison setlocale asctime ctime localtime gmtime tmpnam mktemp

#endif
