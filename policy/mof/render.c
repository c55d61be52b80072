/* Diagnostics for people: the place, the words, the line, the mark. */
#include <string.h>

#include "policy/mof/mof.h"

#define COLUMNS_DEFAULT 120
#define COLUMNS_LEAST   40
#define TAB             8
#define CELLS_MAX       1024 /* more than a diagnostic's source holds */

static const char color_off[] = "\33[0m";
static const char color_place[] = "\33[1m";
static const char color_mark[] = "\33[1;32m";

static const struct {
    const char *word, *color;
} severities[] = {
    [MOF_NOTE] = {"note", "\33[1;36m"},
    [MOF_WARNING] = {"warning", "\33[1;35m"},
    [MOF_ERROR] = {"error", "\33[1;31m"},
};

struct rendering {
    const struct mof_style *style;
    struct buf *out;
    struct visible visible;
};

static void
color(const struct rendering *r, const char *sequence)
{
    if (r->style->colors)
        buf_add_string(r->out, sequence);
}

static void
add_file(const struct rendering *r, const char *file)
{
    visible_add(&r->visible, r->out, span_of(file));
}

/* -- the line -------------------------------------------------------------- */

/* A source line as it is shown: where each character begins, in bytes of
 * text and in columns; one more for the end. */
struct cells {
    struct buf text;
    size_t count;
    uint32_t byte[CELLS_MAX + 1], column[CELLS_MAX + 1];
};

static void
cells_fill(const struct rendering *r, struct span source, struct cells *cells)
{
    uint32_t column = 0;

    cells->text = BUF_INIT;
    cells->count = 0;
    while (source.length > 0 && cells->count < CELLS_MAX) {
        size_t used = 1;

        cells->byte[cells->count] = (uint32_t)cells->text.length;
        cells->column[cells->count++] = column;
        if (source.data[0] != '\t') {
            column +=
                visible_add_one(&r->visible, &cells->text, source, &used);
        } else {
            do
                buf_add_char(&cells->text, ' ');
            while (++column % TAB != 0);
        }
        source = span_skip(source, used);
    }
    cells->byte[cells->count] = (uint32_t)cells->text.length;
    cells->column[cells->count] = column;
}

/* The characters [first, last) of the line that are shown. */
struct window {
    size_t first, last;
    bool cut_before, cut_behind;
};

/* As many as fit, those from `from` to `to` if possible among them. */
static struct window
window_place(const struct mof_diagnostic *d, const struct cells *cells,
             size_t from, size_t to, unsigned columns)
{
    struct window w = {.first = 0, .last = cells->count};
    uint32_t begin = 0, end = cells->column[to];

    if (cells->column[from] > columns * 3 / 4)
        begin = cells->column[from] - columns / 2;
    if (end > begin + columns * 3 / 4 && cells->column[from] > begin)
        begin = cells->column[from] < end - columns / 2 ? cells->column[from]
                                                        : end - columns / 2;
    if (cells->column[cells->count] <= columns)
        begin = 0;
    while (w.first < from && cells->column[w.first] < begin)
        w.first++;
    while (w.last > w.first &&
           cells->column[w.last] > cells->column[w.first] + columns)
        w.last--;
    w.cut_before = w.first > 0 || d->source_column > 1;
    w.cut_behind = w.last < cells->count || d->source_goes_on;
    return w;
}

/* Digits of the number in front of the line. */
static int
gutter_width(uint32_t line)
{
    int n = 1;

    while (line >= 10) {
        line /= 10;
        n++;
    }
    return n < 4 ? 4 : n;
}

static void
add_spaces(struct buf *out, size_t n)
{
    while (n-- > 0)
        buf_add_char(out, ' ');
}

static void
add_line(const struct rendering *r, const struct mof_diagnostic *d,
         const struct cells *cells, const struct window *w)
{
    struct span text = buf_span(&cells->text);

    text = span_skip(text, cells->byte[w->first]);
    text.length = cells->byte[w->last] - cells->byte[w->first];
    buf_addf(r->out, " %*u | %s", gutter_width(d->where.line), d->where.line,
             w->cut_before ? "..." : "");
    buf_add_span(r->out, text);
    buf_addf(r->out, "%s\n", w->cut_behind ? "..." : "");
}

static void
add_mark(const struct rendering *r, const struct mof_diagnostic *d,
         const struct cells *cells, const struct window *w, size_t from,
         size_t to)
{
    uint32_t begin, end;

    if (to > w->last)
        to = w->last;
    begin = cells->column[from] - cells->column[w->first];
    end = to > from ? cells->column[to] - cells->column[w->first] : begin;
    buf_addf(r->out, " %*s | ", gutter_width(d->where.line), "");
    add_spaces(r->out, begin + (w->cut_before ? 3 : 0));
    color(r, color_mark);
    buf_add_char(r->out, '^');
    while (++begin < end)
        buf_add_char(r->out, '~');
    color(r, color_off);
    buf_add_char(r->out, '\n');
}

static void
add_source(const struct rendering *r, const struct mof_diagnostic *d)
{
    unsigned columns = r->style->columns ? r->style->columns : COLUMNS_DEFAULT;
    size_t from = d->where.column - d->source_column, to = from + d->width;
    unsigned frame = (unsigned)gutter_width(d->where.line) + 4 + 6;
    struct cells cells;
    struct window w;

    if (columns < COLUMNS_LEAST)
        columns = COLUMNS_LEAST;
    cells_fill(r, span_of(d->source), &cells);
    if (from > cells.count)
        from = cells.count;
    if (to > cells.count)
        to = cells.count;
    w = window_place(d, &cells, from, to, columns - frame);
    if (buf_failed(&cells.text))
        r->out->failed = true;
    else
        add_line(r, d, &cells, &w);
    add_mark(r, d, &cells, &w, from, to);
    buf_fini(&cells.text);
}

/* -- the words ------------------------------------------------------------- */

static void
add_included(const struct rendering *r, const struct mof_include *i)
{
    const char *words = "In file included from ";

    for (; i != NULL; i = i->from) {
        buf_add_string(r->out, words);
        add_file(r, i->where.file);
        buf_addf(r->out, ":%u:%u%s\n", i->where.line, i->where.column,
                 i->from != NULL ? "," : ":");
        words = "                 from ";
    }
}

static void
add_place(const struct rendering *r, const struct mof_diagnostic *d)
{
    struct mof_location behind = d->where;
    char place[100];

    if (d->where.file[0] == '\0')
        return;
    color(r, color_place);
    add_file(r, d->where.file);
    behind.file = "";
    mof_location_format(&behind, place, sizeof(place));
    buf_addf(r->out, "%s:", place);
    color(r, color_off);
    buf_add_char(r->out, ' ');
}

/* The class last, so that whoever wants less of it knows its name. */
static void
add_words(const struct rendering *r, const struct mof_diagnostic *d)
{
    color(r, severities[d->severity].color);
    buf_add_string(r->out, severities[d->severity].word);
    if (d->code != 0)
        buf_addf(r->out, " 0x%08X", d->code);
    buf_add_char(r->out, ':');
    color(r, color_off);
    buf_addf(r->out, " %s", d->text);
    if (d->warning != NULL)
        buf_addf(r->out, " [%s%s]", d->severity == MOF_ERROR ? "--error=" : "",
                 d->warning);
    buf_add_char(r->out, '\n');
}

void
mof_diagnostic_render(const struct mof_diagnostic *d,
                      const struct mof_style *style,
                      const struct mof_include **included, struct buf *out)
{
    struct rendering r = {.style = style, .out = out};

    visible_begin(&r.visible);
    if (d->included != *included && d->where.line > 0)
        add_included(&r, d->included);
    if (d->where.line > 0)
        *included = d->included;
    for (; d != NULL; d = d->detail) {
        add_place(&r, d);
        add_words(&r, d);
        if (d->source != NULL)
            add_source(&r, d);
    }
    visible_end(&r.visible);
}

void
mof_diagnostics_render(const struct mof_compilation *c,
                       const struct mof_style *style, struct buf *out)
{
    const struct mof_include *included = NULL;

    for (size_t i = 0; i < mof_diagnostic_count(c); i++)
        mof_diagnostic_render(mof_diagnostic(c, i), style, &included, out);
}

void
mof_diagnostics_print(const struct mof_compilation *c, FILE *out)
{
    static const struct mof_style plain;
    struct buf text = BUF_INIT;

    mof_diagnostics_render(c, &plain, &text);
    if (text.length > 0)
        fwrite(text.data, 1, text.length, out);
    if (buf_failed(&text))
        fputs("out of memory\n", out);
    buf_fini(&text);
}
