#include "base/buffer_count.h"

#include <stdio.h>

void buffer_append_count(Buffer *buffer, uint64_t n)
{
    char digits[24];
    const int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) buffer_append_byte(buffer, ',');
        buffer_append_byte(buffer, digits[i]);
    }
}
