/* signals.c - see signals.h. The handler uses nothing that isn't async-signal-safe: a flag, write and _exit. */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t caught, talks, on_terminal;

static void on_signal(int number)
{
    static const char text[] = "\nstopping: finishing the step and saving; again to leave at once\n";
    int saved = errno, skip = !on_terminal; /* the line end keeps the progress line there apart */
    if (caught) _exit(128 + number);
    caught = number;
    if (talks && write(STDERR_FILENO, text + skip, sizeof text - 1 - (size_t)skip) < 0) talks = 0;
    errno = saved;
}

static void catch_one(int number)
{
    struct sigaction old, action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN) sigaction(number, &action, NULL);
}

void signals_catch(bool talk)
{
    talks = talk;
    on_terminal = isatty(STDERR_FILENO);
    catch_one(SIGINT);
    catch_one(SIGTERM);
    signal(SIGPIPE, SIG_IGN);
}

int signals_caught(void)
{
    return caught;
}
