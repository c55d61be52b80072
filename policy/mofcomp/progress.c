#include "policy/mofcomp/progress.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "policy/base/base.h"

#define LINE_MAX_BYTES 120
#define REMOVE_MAX     8

static const int interrupts[] = {SIGHUP, SIGINT, SIGTERM};
static const char wipe[] = "\r\33[K";

/* Handlers read it; it changes only while they are blocked. */
static struct {
    bool begun;
    volatile sig_atomic_t shown; /* a line stands on the terminal */
    volatile sig_atomic_t seconds;
    char line[LINE_MAX_BYTES + 1];
    /* What an interrupt leaves no use for. */
    const char *remove[REMOVE_MAX];
    size_t remove_count;
} state;

static void
put(const char *text, size_t length)
{
    ssize_t n = write(STDERR_FILENO, text, length);

    (void)n; /* there is nobody left to tell */
}

/* -- the timer -------------------------------------------------------------- */

/* "reading a.mof (12 s)"; nothing but write(2) may be called here. */
static void
on_alarm(int signal_number)
{
    char text[LINE_MAX_BYTES + 40], digits[12];
    size_t n = sizeof(wipe) - 1, length = strlen(state.line), d = 0;
    int seconds, saved = errno;

    (void)signal_number;
    seconds = state.seconds = state.seconds + 1;
    memcpy(text, wipe, n);
    memcpy(text + n, state.line, length);
    n += length;
    do
        digits[d++] = (char)('0' + seconds % 10);
    while ((seconds /= 10) > 0 && d < sizeof(digits));
    text[n++] = ' ';
    text[n++] = '(';
    while (d > 0)
        text[n++] = digits[--d];
    memcpy(text + n, " s)", 3);
    put(text, n + 3);
    state.shown = 1;
    errno = saved;
}

static void
alarm_block(bool block)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigprocmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

void
progress_begin(bool is_shown)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct itimerval each_second = {{1, 0}, {1, 0}};

    if (!is_shown || sigaction(SIGALRM, &action, NULL) < 0)
        return;
    state.begun = setitimer(ITIMER_REAL, &each_second, NULL) == 0;
}

void
progress_set(const char *format, ...)
{
    struct buf visible = BUF_INIT;
    char text[LINE_MAX_BYTES + 1];
    va_list ap;

    if (!state.begun)
        return;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    visible_text(&visible, span_of(text));
    alarm_block(true);
    snprintf(state.line, sizeof(state.line), "%s",
             visible.data != NULL ? visible.data : "");
    alarm_block(false);
    buf_fini(&visible);
}

void
progress_hide(void)
{
    if (!state.begun)
        return;
    alarm_block(true);
    if (state.shown)
        put(wipe, sizeof(wipe) - 1);
    state.shown = 0;
    alarm_block(false);
}

void
progress_end(void)
{
    static const struct itimerval never;

    if (!state.begun)
        return;
    setitimer(ITIMER_REAL, &never, NULL);
    progress_hide();
    signal(SIGALRM, SIG_IGN);
    state.begun = false;
}

/* -- interrupts ------------------------------------------------------------- */

/* Ends as the signal itself would have ended it, so that a shell knows. */
static void
on_interrupt(int signal_number)
{
    static const char told[] = "mofcomp: interrupted, nothing has changed\n";

    if (state.shown)
        put(wipe, sizeof(wipe) - 1);
    for (size_t i = 0; i < state.remove_count; i++) {
        unlink(state.remove[i]);
        rmdir(state.remove[i]);
    }
    put(told, sizeof(told) - 1);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void
interrupts_handle(void (*handler)(int))
{
    for (size_t i = 0; i < ARRAY_COUNT(interrupts); i++) {
        struct sigaction action = {.sa_handler = handler}, before;

        if (sigaction(interrupts[i], NULL, &before) == 0 &&
            before.sa_handler != SIG_IGN)
            sigaction(interrupts[i], &action, NULL);
    }
}

static void
interrupts_mask(int how, sigset_t *before)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_COUNT(interrupts); i++)
        sigaddset(&set, interrupts[i]);
    sigprocmask(how, &set, before);
}

void
interrupt_begin(void)
{
    interrupts_handle(on_interrupt);
}

void
interrupt_remove(const char *path)
{
    sigset_t before;

    interrupts_mask(SIG_BLOCK, &before);
    if (state.remove_count < REMOVE_MAX)
        state.remove[state.remove_count++] = path;
    sigprocmask(SIG_SETMASK, &before, NULL);
}

void
interrupt_remove_nothing(void)
{
    sigset_t before;

    interrupts_mask(SIG_BLOCK, &before);
    state.remove_count = 0;
    sigprocmask(SIG_SETMASK, &before, NULL);
}

void
interrupt_hold(void)
{
    interrupts_mask(SIG_BLOCK, NULL);
}

void
interrupt_ignore(void)
{
    interrupts_handle(SIG_IGN);
}

void
interrupt_allow(void)
{
    interrupts_mask(SIG_UNBLOCK, NULL);
}
