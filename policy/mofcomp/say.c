#include "policy/mofcomp/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "policy/mofcomp/progress.h"

#define TEXT_MAX 2048

static bool
wants_colors(enum color_choice choice, bool is_terminal)
{
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");

    if (choice != COLOR_AUTO)
        return choice == COLOR_ALWAYS;
    /* https://no-color.org: set and not empty, whatever it says. */
    return is_terminal && (no == NULL || no[0] == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

void
say_init(struct say *s, const struct options *o)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    struct winsize size;

    memset(s, 0, sizeof(*s));
    s->json = o->json;
    s->quiet = o->quiet;
    s->style.colors = wants_colors(o->color, is_terminal);
    if (is_terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0)
        s->style.columns = size.ws_col;
}

static void
out(struct buf *text)
{
    progress_hide();
    if (buf_failed(text))
        fputs("mofcomp: out of memory\n", stderr);
    else if (text->length > 0)
        fwrite(text->data, 1, text->length, stderr);
    buf_fini(text);
}

/* As text "mofcomp: " stands in front, and only a note says what it is. */
__attribute__((format(printf, 3, 0))) static void
say_general(struct say *s, enum mof_severity severity, const char *format,
            va_list ap)
{
    struct mof_diagnostic d = {.severity = severity, .where.file = ""};
    struct buf visible = BUF_INIT, line = BUF_INIT;
    char text[TEXT_MAX];

    vsnprintf(text, sizeof(text), format, ap);
    visible_text(&visible, span_of(text));
    d.text = buf_failed(&visible)   ? "out of memory"
             : visible.data != NULL ? visible.data
                                    : "";
    if (!s->json)
        buf_addf(&line, "mofcomp: %s\n", d.text);
    else if (!json_diagnostic(&line, &d))
        line.failed = true;
    out(&line);
    buf_fini(&visible);
}

void
say_error(struct say *s, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    say_general(s, MOF_ERROR, format, ap);
    va_end(ap);
}

void
say_note(struct say *s, const char *format, ...)
{
    va_list ap;

    if (s->quiet)
        return;
    va_start(ap, format);
    say_general(s, MOF_NOTE, format, ap);
    va_end(ap);
}

void
say_diagnostic(struct say *s, const struct mof_diagnostic *d)
{
    struct buf text = BUF_INIT;

    if (s->quiet && d->severity == MOF_NOTE)
        return;
    if (!s->json)
        mof_diagnostic_render(d, &s->style, &s->included, &text);
    else if (!json_diagnostic(&text, d))
        text.failed = true;
    out(&text);
}

void
say_diagnostics(struct say *s, const struct mof_compilation *c)
{
    for (size_t i = 0; i < mof_diagnostic_count(c); i++)
        say_diagnostic(s, mof_diagnostic(c, i));
}
