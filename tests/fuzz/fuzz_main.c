// Runs a fuzz target without libFuzzer:
//     fuzz_json FILE...                          each file once
//     fuzz_json --iterations N [--seed S] [--first I]   N inputs mutated from the target's seeds
// Input I depends on (S, I) alone; a crash names both, and --first I --iterations 1 repeats it.
#include "tests/fuzz/fuzz.h"

#include "base/file.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_INPUT = 4096, MAX_MUTATIONS = 8 };

static unsigned long long seed;
static char place
    [128]; // the crash message, written before each input: a signal handler may only copy it out

static void note_place(unsigned long long iteration)
{
    snprintf(place, sizeof place, "fuzz: --seed %llu --first %llu --iterations 1\n", seed,
             iteration);
}

static void say_where(void)
{
    (void)!write(STDERR_FILENO, place, strlen(place));
}

static void on_signal(int number)
{
    say_where();
    signal(number, SIG_DFL);
    raise(number);
}

// Present where a sanitizer is linked in.
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): the sanitizers' own name
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

// SplitMix64 (Steele, Lea & Flood 2014).
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t bound)
{
    return bound == 0 ? 0 : (size_t)(next_random(state) % bound);
}

static void insert(uint8_t *input, size_t *len, size_t at, const char *bytes, size_t n)
{
    if (n > MAX_INPUT - *len) n = MAX_INPUT - *len;
    if (n == 0) return;
    memmove(input + at + n, input + at, *len - at);
    memcpy(input + at, bytes, n);
    *len += n;
}

static void erase(uint8_t *input, size_t *len, size_t at, size_t n)
{
    if (n > *len - at) n = *len - at;
    memmove(input + at, input + at + n, *len - at - n);
    *len -= n;
}

static void mutate(uint8_t *input, size_t *len, uint64_t *state)
{
    static const char telling[] =
        "\0\"\\\n\r\t,:;{}[]0-9.eEuU#/*'\x1f\x7f\x80\xbf\xc0\xe2\xed\xef\xf4\xff";
    const size_t at = below(state, *len + 1);
    switch (next_random(state) % 6) {
    case 0:
        if (at < *len) input[at] ^= (uint8_t)(1u << next_random(state) % 8);
        break;
    case 1:
        if (at < *len) input[at] = (uint8_t)telling[below(state, sizeof telling - 1)];
        break;
    case 2:
        insert(input, len, at, telling + below(state, sizeof telling - 1), 1);
        break;
    case 3:
        erase(input, len, at, 1 + below(state, 16));
        break;
    case 4: { // a piece of some seed
        const Slice from = fuzz_seeds[below(state, fuzz_seed_count)];
        const size_t begin = below(state, from.len), n = below(state, from.len - begin + 1);
        if (n) insert(input, len, at, from.ptr + begin, n);
        break;
    }
    default: { // a piece of itself, again
        uint8_t copy[64];
        size_t n = below(state, sizeof copy);
        if (n > *len - at) n = *len - at;
        memcpy(copy, input + at, n);
        insert(input, len, below(state, *len + 1), (const char *)copy, n);
        break;
    }
    }
}

static void run_mutated(unsigned long long first, unsigned long long n)
{
    static uint8_t input[MAX_INPUT];
    for (unsigned long long iteration = first; iteration < first + n; iteration++) {
        note_place(iteration);
        uint64_t state = seed * 0x2545F4914F6CDD1Du + iteration;
        const Slice from = fuzz_seeds[iteration % fuzz_seed_count];
        size_t len = from.len < MAX_INPUT ? from.len : MAX_INPUT;
        if (len) memcpy(input, from.ptr, len);
        for (size_t i = below(&state, MAX_MUTATIONS + 1); i > 0; i--) mutate(input, &len, &state);
        // A heap copy of the exact size, so that the address sanitizer sees a read behind the end.
        uint8_t *exact = malloc(len ? len : 1);
        if (!exact) abort();
        memcpy(exact, input, len);
        LLVMFuzzerTestOneInput(exact, len);
        free(exact);
    }
}

static int run_file(const char *path)
{
    Error err = {0};
    Slice text = {0};
    if (file_map(path, &text, &err) != STATUS_OK) {
        fprintf(stderr, "fuzz: %s\n", err.text);
        return 1;
    }
    LLVMFuzzerTestOneInput((const uint8_t *)(text.ptr ? text.ptr : ""), text.len);
    file_unmap(&text);
    return 0;
}

static bool take_number(const char *text, unsigned long long *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

int main(int argc, char **argv)
{
    unsigned long long n = 0, first = 0;
    int status = 0;
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(say_where);
    } else {
        signal(SIGSEGV, on_signal);
    }
    signal(SIGABRT, on_signal);
    for (int i = 1; i < argc; i++) {
        unsigned long long *number = strcmp(argv[i], "--iterations") == 0 ? &n
                                     : strcmp(argv[i], "--seed") == 0     ? &seed
                                     : strcmp(argv[i], "--first") == 0    ? &first
                                                                          : NULL;
        if (!number) {
            status |= run_file(argv[i]);
        } else if (i + 1 >= argc || !take_number(argv[++i], number)) {
            fprintf(stderr, "fuzz: a number must follow %s\n", argv[i - 1]);
            return 2;
        }
    }
    run_mutated(first, n);
    return status;
}
