#include "gateway/sys/sys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    char who[32];
    enum log_level max;
    bool prefix; /* the journal reads stderr and understands "<N>" */
} state = {"nsgated", LOG_LEVEL_INFO, false};

void
log_open(const char *who, enum log_level max)
{
    snprintf(state.who, sizeof(state.who), "%s", who);
    state.max = max;
    state.prefix = getenv("JOURNAL_STREAM") != NULL;
}

/* One line stays one line, whatever a name in it holds (threat 27). */
static void
flatten(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
    }
}

void
log_write(enum log_level level, const char *format, ...)
{
    char text[2048], line[2200];
    ssize_t ignored;
    va_list ap;
    int n;

    if (level > state.max)
        return;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    flatten(text);
    if (state.prefix)
        n = snprintf(line, sizeof(line), "<%d>%s: %s\n", (int)level, state.who,
                     text);
    else
        n = snprintf(line, sizeof(line), "nsgated %s: %s\n", state.who, text);
    ignored = write(STDERR_FILENO, line, (size_t)n);
    (void)ignored;
}
