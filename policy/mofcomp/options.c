#include "policy/mofcomp/options.h"

#include <stdlib.h>
#include <string.h>

#include "policy/mofcomp/switches.h"

/* -- --help ----------------------------------------------------------------- */

#define HELP_COLUMN 27

/* "-I DIR, --include=DIR", and Windows' spelling where it is another. */
static void
add_spellings(struct buf *out, const struct switch_row *row)
{
    if (row->letter != NULL)
        buf_addf(out, "-%s %s, ", row->letter, row->value);
    if (row->windows != NULL &&
        !span_equal(span_of(row->windows), span_of(row->gnu)))
        buf_addf(out, "-%s%s, ", row->windows, row->value != NULL ? ":" : "");
    buf_addf(out, "--%s%s%s", row->gnu, row->value != NULL ? "=" : "",
             row->value != NULL ? row->value : "");
}

/* text, continued under itself behind the column. */
static void
add_column(struct buf *out, size_t used, const char *text)
{
    struct span rest = span_of(text);

    if (used >= HELP_COLUMN) {
        buf_add_char(out, '\n');
        used = 0;
    }
    while (rest.data != NULL) {
        struct span line = span_cut(rest, '\n', &rest);

        buf_addf(out, "%*s%.*s\n", HELP_COLUMN - (int)used, "",
                 (int)line.length, line.data);
        used = 0;
    }
}

static void
add_switch(struct buf *out, const struct switch_row *row)
{
    size_t start = out->length;

    if (row->take == NULL) {
        buf_addf(out, "\n%s\n", row->help);
        return;
    }
    buf_add_string(out, "  ");
    add_spellings(out, row);
    add_column(out, out->length - start, row->help);
}

void
options_help(struct buf *out)
{
    buf_add_string(
        out, "Usage: mofcomp [SWITCH]... FILE...\n"
             "Compiles MOF files, all of them or none, into the repository "
             "and the policy.\n"
             "FILE - is standard input; -- ends the switches.\n");
    for (size_t i = 0; i < switch_count; i++)
        add_switch(out, &switches[i]);
    buf_add_string(out, "\nClasses of warnings:\n");
    for (unsigned i = 0; i < MOF_WARNING_COUNT; i++) {
        const struct mof_warning_row *row =
            mof_warning_row((enum mof_warning)i);
        size_t start = out->length;

        buf_addf(out, "  %s", row->name);
        add_column(out, out->length - start, row->what);
    }
    buf_add_string(
        out, "\nWindows' spelling works in any case: -check, -N:NAMESPACE, "
             "-class:WAY,\n-instance:WAY, -autorecover, -B:FILE.\n\n"
             "Exit status: 0 in force, 1 not stored or not in force, 2 a bad "
             "switch,\n3 an error that the text alone shows.\n");
}

/* -- the command line ------------------------------------------------------- */

struct word {
    const char *text; /* as written */
    bool gnu;         /* began with "--" */
    struct span name;
    const char *value; /* behind ':' or '='; NULL: none */
};

static struct word
word_of(const char *text)
{
    struct word w = {.text = text, .gnu = text[1] == '-'};
    const char *name = text + (w.gnu ? 2 : 1);
    size_t n = strcspn(name, w.gnu ? "=" : ":");

    w.name = (struct span){name, n};
    w.value = name[n] != '\0' ? name + n + 1 : NULL;
    return w;
}

static bool
is_named(const struct switch_row *row, const struct word *w)
{
    if (row->take == NULL)
        return false;
    if (w->gnu)
        return span_equal(w->name, span_of(row->gnu));
    return (row->windows != NULL &&
            span_equal_nocase(w->name, span_of(row->windows))) ||
           (row->letter != NULL && span_equal(w->name, span_of(row->letter)));
}

/* "-Idirectory", as compilers take it. */
static bool
is_joined(struct word *w, const struct switch_row *row)
{
    if (w->gnu || w->text[1] != 'I' || row->letter == NULL ||
        row->letter[0] != 'I')
        return false;
    w->name.length = 1;
    w->value = w->text + 2;
    return true;
}

static const struct switch_row *
switch_find(struct word *w)
{
    for (size_t i = 0; i < switch_count; i++) {
        if (is_named(&switches[i], w))
            return &switches[i];
    }
    for (size_t i = 0; i < switch_count; i++) {
        if (is_joined(w, &switches[i]))
            return &switches[i];
    }
    return NULL;
}

static const struct foreign_switch *
foreign_find(const struct word *w)
{
    for (size_t i = 0; !w->gnu && i < foreign_switch_count; i++) {
        if (span_equal_nocase(w->name, span_of(foreign_switches[i].windows)))
            return &foreign_switches[i];
    }
    return NULL;
}

/* The right spelling of a switch that is written the other way or nearly
 * so; NULL: no idea. */
static const struct switch_row *
switch_meant(const struct word *w)
{
    const struct switch_row *best = NULL;
    struct nearest n;

    nearest_init(&n, w->name);
    for (size_t i = 0; i < switch_count; i++) {
        const struct switch_row *row = &switches[i];
        unsigned before = n.distance;

        if (row->take == NULL)
            continue;
        if (span_equal_nocase(w->name, span_of(row->gnu)) ||
            (row->windows != NULL &&
             span_equal_nocase(w->name, span_of(row->windows))))
            return row;
        nearest_offer(&n, span_of(row->gnu));
        if (n.distance < before)
            best = row;
    }
    return best;
}

static bool
switch_unknown(const struct word *w, struct error *err)
{
    const struct foreign_switch *foreign = foreign_find(w);
    const struct switch_row *meant = switch_meant(w);

    if (foreign != NULL)
        /* Without its value, which may be a password. */
        error_set(err, "-%.*s: %s", (int)w->name.length, w->name.data,
                  foreign->why);
    else if (meant != NULL)
        error_set(err, "%s: there is no such switch; did you mean --%s%s%s?",
                  w->text, meant->gnu, meant->value != NULL ? "=" : "",
                  meant->value != NULL ? meant->value : "");
    else
        error_set(err, "%s: there is no such switch; --help lists them",
                  w->text);
    return false;
}

/* argv[*i] is a switch; its value may be the next word. */
static bool
take_switch(struct options *o, int argc, char **argv, int *i,
            struct error *err)
{
    struct word w = word_of(argv[*i]);
    const struct switch_row *row = switch_find(&w);
    bool may_follow;

    if (row == NULL)
        return switch_unknown(&w, err);
    if (row->value == NULL && w.value != NULL) {
        error_set(err, "%s: this switch takes no value", w.text);
        return false;
    }
    may_follow = w.gnu || (row->letter != NULL &&
                           span_equal(w.name, span_of(row->letter)));
    if (row->value != NULL && w.value == NULL && may_follow && *i + 1 < argc)
        w.value = argv[++*i];
    if (row->value != NULL && w.value == NULL) {
        error_set(err, "%s: this switch needs a value: %s%s%s", w.text, w.text,
                  w.gnu                 ? "="
                  : row->letter != NULL ? " "
                                        : ":",
                  row->value);
        return false;
    }
    if (row->excluded_by_check && o->beside_check == NULL)
        o->beside_check = w.text;
    return row->take(o, w.value, err);
}

static bool
take_words(struct options *o, int argc, char **argv, struct error *err)
{
    bool files_only = false;

    for (int i = 1; i < argc; i++) {
        if (files_only || argv[i][0] != '-' || argv[i][1] == '\0')
            o->files[o->file_count++] = argv[i];
        else if (strcmp(argv[i], "--") == 0)
            files_only = true;
        else if (!take_switch(o, argc, argv, &i, err))
            return false;
    }
    return true;
}

/* -- what goes together ------------------------------------------------------ */

enum given {
    GIVEN_CHECK = 1 << 0,
    GIVEN_DRY_RUN = 1 << 1,
    GIVEN_DUMP = 1 << 2,
    GIVEN_BINARY = 1 << 3,
    GIVEN_EXPORT = 1 << 4,
    GIVEN_OUTPUT = 1 << 5,
    GIVEN_RECOVER = 1 << 6,
    GIVEN_DESPITE = 1 << 7,
    GIVEN_AUTORECOVER = 1 << 8,
    GIVEN_WAYS = 1 << 9,          /* -N, -class or -instance */
    GIVEN_INSTANCE_WAY = 1 << 10, /* -instance */
    GIVEN_SPLIT = 1 << 11,        /* -MOF, -MFL or -AMENDMENT */
    GIVEN_BOTH_PARTS = 1 << 12,
    GIVEN_FILE = 1 << 13,
    GIVEN_FILES = 1 << 14,       /* more than one */
    GIVEN_INPUT_TWICE = 1 << 15, /* "-" */
};

static unsigned
given_of(const struct options *o)
{
    unsigned inputs = 0;

    for (size_t i = 0; i < o->file_count; i++)
        inputs += !o->exporting && strcmp(o->files[i], "-") == 0;
    return (o->check ? GIVEN_CHECK : 0u) | (o->dry_run ? GIVEN_DRY_RUN : 0u) |
           (o->dump != DUMP_NONE ? GIVEN_DUMP : 0u) |
           (o->binary != NULL ? GIVEN_BINARY : 0u) |
           (o->exporting ? GIVEN_EXPORT : 0u) |
           (o->output != NULL ? GIVEN_OUTPUT : 0u) |
           (o->recovering ? GIVEN_RECOVER : 0u) |
           (o->despite != 0 ? GIVEN_DESPITE : 0u) |
           (o->autorecover ? GIVEN_AUTORECOVER : 0u) |
           (o->default_namespace.length > 0 || o->class_change != 0 ||
                    o->instance_change != 0
                ? GIVEN_WAYS
                : 0u) |
           (o->instance_change != 0 ? GIVEN_INSTANCE_WAY : 0u) |
           (o->amendment != NULL || o->neutral != NULL || o->localized != NULL
                ? GIVEN_SPLIT
                : 0u) |
           (o->neutral != NULL && o->localized != NULL ? GIVEN_BOTH_PARTS
                                                       : 0u) |
           (o->file_count > 0 ? GIVEN_FILE : 0u) |
           (o->file_count > 1 ? GIVEN_FILES : 0u) |
           (inputs > 1 ? GIVEN_INPUT_TWICE : 0u);
}

/* Whoever gives all of `when` may give none of `without` and must give one of
 * `with`; the first row that is broken is told.  */
static const struct {
    unsigned when, without, with;
    const char *text;
} rules[] = {
    {GIVEN_RECOVER, GIVEN_FILE | GIVEN_EXPORT, 0,
     "--recover compiles the files on its list"},
    {GIVEN_RECOVER,
     GIVEN_CHECK | GIVEN_DRY_RUN | GIVEN_DUMP | GIVEN_BINARY | GIVEN_SPLIT |
         GIVEN_WAYS,
     0,
     "--recover goes with none of -check, -N, -class, -instance, -B, "
     "--dry-run and --dump"},
    {GIVEN_DESPITE, 0, GIVEN_RECOVER, "--despite goes with --recover"},
    {GIVEN_AUTORECOVER, GIVEN_WAYS, 0,
     "-autorecover goes with none of -N, -class and -instance, which recovery "
     "does not know: write pragmas"},
    {0, 0, GIVEN_FILE | GIVEN_RECOVER, "no file to compile; --help tells how"},
    {0, GIVEN_INPUT_TWICE, 0, "standard input can be read once only"},
    {GIVEN_BINARY, GIVEN_DRY_RUN | GIVEN_DUMP, 0,
     "-B, --dry-run and --dump exclude each other"},
    {GIVEN_BINARY, GIVEN_INSTANCE_WAY, 0,
     "-instance: a binary has no place for it"},
    {GIVEN_BINARY, GIVEN_FILES, 0, "-B makes a binary of one source"},
    {GIVEN_SPLIT, 0, GIVEN_BOTH_PARTS,
     "a split needs both -MOF:FILE and -MFL:FILE"},
    {GIVEN_SPLIT,
     GIVEN_DRY_RUN | GIVEN_DUMP | GIVEN_BINARY | GIVEN_EXPORT |
         GIVEN_AUTORECOVER,
     0,
     "-MOF and -MFL go with none of -B, -autorecover, --dry-run, --dump and "
     "--export"},
    {GIVEN_EXPORT, GIVEN_DRY_RUN | GIVEN_DUMP | GIVEN_BINARY, 0,
     "--export goes with none of -B, --dry-run and --dump"},
    {GIVEN_OUTPUT, 0, GIVEN_EXPORT, "--output goes with --export"},
    {GIVEN_DRY_RUN, GIVEN_DUMP, 0, "--dry-run and --dump exclude each other"},
};

static bool
together(const struct options *o, struct error *err)
{
    unsigned given = given_of(o);

    if (o->help || o->version)
        return true;
    if (o->check && !o->recovering && o->beside_check != NULL) {
        error_set(err, "-check stands alone: %s goes with a compile",
                  o->beside_check);
        return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
        if ((given & rules[i].when) != rules[i].when ||
            ((given & rules[i].without) == 0 &&
             (rules[i].with == 0 || (given & rules[i].with) != 0)))
            continue;
        error_set(err, "%s", rules[i].text);
        return false;
    }
    return true;
}

bool
options_parse(struct options *o, int argc, char **argv, struct error *err)
{
    memset(o, 0, sizeof(*o));
    o->includes = calloc((size_t)argc + 1, sizeof(*o->includes));
    o->files = calloc((size_t)argc + 1, sizeof(*o->files));
    if (o->includes == NULL || o->files == NULL) {
        error_set(err, "out of memory");
        return false;
    }
    return take_words(o, argc, argv, err) && together(o, err);
}

void
options_fini(struct options *o)
{
    free(o->includes);
    free(o->files);
}
