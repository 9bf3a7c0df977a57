#include "assay_version.h" // made by cmake/version.cmake at build time

#include "tools/command.h"

const char *version_text(void)
{
    return ASSAY_VERSION;
}
