#include <signal.h>
#include <stdatomic.h>

#include "tools/command.h"

static atomic_int came; // the signal, 0 = none

static const int watched[] = {SIGINT, SIGTERM};
enum { N_WATCHED = sizeof watched / sizeof *watched };

// The first signal asks; the second finds the default action in place and ends the program.
static void on_signal(int number)
{
    atomic_store(&came, number);
    for (size_t i = 0; i < N_WATCHED; i++) signal(watched[i], SIG_DFL);
}

const atomic_int *interrupt_flag(void)
{
    for (size_t i = 0; i < N_WATCHED; i++) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        struct sigaction before;
        sigemptyset(&action.sa_mask);
        // A signal that the caller had ignored (nohup, a background job) stays ignored.
        if (sigaction(watched[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL) {
            sigaction(watched[i], &action, NULL);
        }
    }
    return &came;
}

void interrupt_raise(void)
{
    const int number = atomic_load(&came);
    if (number == 0) return;
    signal(number, SIG_DFL);
    raise(number);
}
