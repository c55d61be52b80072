#include "policy/mofcomp/options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ERRORS_MAX 100000

/* -- what each switch does; value is NULL for those without one ------------ */

static bool
take_check(struct options *o, const char *value, struct error *err)
{
    (void)value;
    (void)err;
    o->check = true;
    return true;
}

static bool
take_strict(struct options *o, const char *value, struct error *err)
{
    (void)value;
    (void)err;
    o->strict = true;
    return true;
}

static bool
take_create(struct options *o, const char *value, struct error *err)
{
    (void)value;
    (void)err;
    o->create = true;
    return true;
}

static bool
take_quiet(struct options *o, const char *value, struct error *err)
{
    (void)value;
    (void)err;
    o->quiet = true;
    return true;
}

static bool
take_help(struct options *o, const char *value, struct error *err)
{
    (void)value;
    (void)err;
    o->help = true;
    return true;
}

static bool
take_version(struct options *o, const char *value, struct error *err)
{
    (void)value;
    (void)err;
    o->version = true;
    return true;
}

/* The repository here is not lost and re-made from a list of files. */
static bool
take_autorecover(struct options *o, const char *value, struct error *err)
{
    (void)o;
    (void)value;
    (void)err;
    return true;
}

static bool
take_namespace(struct options *o, const char *value, struct error *err)
{
    return namespace_path_parse(&o->default_namespace, span_of(value), err) ==
           NAMESPACE_PATH_OK;
}

static bool
take_class(struct options *o, const char *value, struct error *err)
{
    const char *why;

    if (!mof_change_add(span_of(value), MOF_CHANGE_OF_CLASS, &o->class_change))
    {
        error_set(err,
                  "-class:%s: write createonly, updateonly, safeupdate or "
                  "forceupdate",
                  value);
        return false;
    }
    why = mof_change_contradiction(o->class_change);
    if (why != NULL)
        error_set(err, "-class: %s", why);
    return why == NULL;
}

static bool
take_instance(struct options *o, const char *value, struct error *err)
{
    const char *why;

    if (!mof_change_add(span_of(value), MOF_CHANGE_OF_INSTANCE,
                        &o->instance_change))
    {
        error_set(err, "-instance:%s: write createonly or updateonly", value);
        return false;
    }
    why = mof_change_contradiction(o->instance_change);
    if (why != NULL)
        error_set(err, "-instance: %s", why);
    return why == NULL;
}

static bool
take_max_errors(struct options *o, const char *value, struct error *err)
{
    char *end;
    unsigned long n = strtoul(value, &end, 10);

    if (!isdigit((unsigned char)value[0]) || *end != '\0' || n == 0 ||
        n > MAX_ERRORS_MAX)
    {
        error_set(err, "--max-errors=%s: a number from 1 to %d", value,
                  MAX_ERRORS_MAX);
        return false;
    }
    o->max_errors = (unsigned)n;
    return true;
}

static bool
take_path(const char **to, const char *name, const char *value,
          struct error *err)
{
    if (value[0] == '\0') {
        error_set(err, "--%s needs a path", name);
        return false;
    }
    *to = value;
    return true;
}

static bool
take_config(struct options *o, const char *value, struct error *err)
{
    return take_path(&o->config, "config", value, err);
}

static bool
take_state_dir(struct options *o, const char *value, struct error *err)
{
    return take_path(&o->state_dir, "state-dir", value, err);
}

static bool
take_runtime_dir(struct options *o, const char *value, struct error *err)
{
    return take_path(&o->runtime_dir, "runtime-dir", value, err);
}

static bool
take_include(struct options *o, const char *value, struct error *err)
{
    if (value[0] == '\0') {
        error_set(err, "-I needs a directory");
        return false;
    }
    o->includes[o->include_count++] = value;
    return true;
}

/* -- the table ------------------------------------------------------------- */

static const struct switch_row {
    const char *gnu;     /* behind "--" */
    const char *windows; /* behind "-", in any case; NULL: none */
    bool (*take)(struct options *o, const char *value, struct error *err);
    const char *value; /* what --help calls it; NULL: it has none */
    const char *help;
} switches[] = {
    {"check", "check", take_check, NULL,
     "look at the syntax only; needs no repository"},
    {"namespace", "N", take_namespace, "NAMESPACE",
     "where files begin that name none (root\\default)"},
    {"class", "class", take_class, "WAY",
     "createonly, updateonly, safeupdate or forceupdate"},
    {"instance", "instance", take_instance, "WAY", "createonly or updateonly"},
    {"autorecover", "autorecover", take_autorecover, NULL,
     "accepted; the repository is not rebuilt from files"},
    {"strict", NULL, take_strict, NULL, "refuse what WMI and DSP0004 refuse"},
    {"create", NULL, take_create, NULL,
     "a secured namespace may be new though its name is\n"
     "                         nearly that of another"},
    {"include", NULL, take_include, "DIR",
     "also look here for included files; -I DIR"},
    {"max-errors", NULL, take_max_errors, "N", "stop after so many (20)"},
    {"config", NULL, take_config, "FILE",
     "configuration (/etc/nsgate/nsgate.conf)"},
    {"state-dir", NULL, take_state_dir, "DIR", "where the repository is"},
    {"runtime-dir", NULL, take_runtime_dir, "DIR",
     "where the gateway's control socket is"},
    {"quiet", NULL, take_quiet, NULL, "say nothing but warnings and errors"},
    {"version", NULL, take_version, NULL, "show the version"},
    {"help", "?", take_help, NULL, "show this"},
};

/* Windows' switches that mean nothing here. */
static const char *const not_here[] = {
    "B", "WMI", "P", "U", "A", "MOF", "MFL", "AMENDMENT", "ER", "L",
};

void
options_help(void)
{
    puts("Usage: mofcomp [SWITCH]... FILE...\n"
         "Compiles MOF files, all of them or none, into the repository and "
         "the policy.\n"
         "\"-\" is standard input.\n");
    for (size_t i = 0; i < ARRAY_COUNT(switches); i++) {
        const struct switch_row *row = &switches[i];
        char name[64];

        snprintf(name, sizeof(name), "--%s%s%s", row->gnu,
                 row->value != NULL ? "=" : "",
                 row->value != NULL ? row->value : "");
        printf("  %-22s %s\n", name, row->help);
    }
    puts("\n-check, -N:NAMESPACE, -class:WAY, -instance:WAY and -autorecover "
         "do the same.\n"
         "Exit status: 0 in force, 1 not stored or not in force, 2 a bad "
         "switch,\n"
         "3 an error that the text alone shows.");
}

/* -- the command line ------------------------------------------------------ */

struct word {
    bool gnu; /* began with "--" */
    struct span name;
    const char *value; /* behind ':' or '='; NULL: none */
};

static struct word
word_of(const char *text)
{
    struct word w = {.gnu = text[1] == '-'};
    const char *name = text + (w.gnu ? 2 : 1);
    size_t n = strcspn(name, w.gnu ? "=" : ":");

    w.name = (struct span){name, n};
    w.value = name[n] != '\0' ? name + n + 1 : NULL;
    return w;
}

static const struct switch_row *
switch_find(const struct word *w)
{
    for (size_t i = 0; i < ARRAY_COUNT(switches); i++) {
        const struct switch_row *row = &switches[i];

        if (w->gnu ? span_equal(w->name, span_of(row->gnu))
                   : row->windows != NULL &&
                         span_equal_nocase(w->name, span_of(row->windows)))
            return row;
    }
    return NULL;
}

static bool
switch_unknown(const struct word *w, const char *text, struct error *err)
{
    for (size_t i = 0; !w->gnu && i < ARRAY_COUNT(not_here); i++) {
        if (span_equal_nocase(w->name, span_of(not_here[i]))) {
            error_set(err,
                      "%s: this switch of Windows' mofcomp is not "
                      "supported",
                      text);
            return false;
        }
    }
    error_set(err, "%s: there is no such switch; --help lists them", text);
    return false;
}

/* argv[*i] is a switch; its value may be the next word. */
static bool
take_switch(struct options *o, int argc, char **argv, int *i,
            struct error *err)
{
    const char *text = argv[*i];
    struct word w = word_of(text);
    const struct switch_row *row = switch_find(&w);

    if (row == NULL && text[1] == 'I') {
        w = (struct word){.gnu = true,
                          .name = SPAN("include"),
                          .value = text[2] != '\0' ? text + 2 : NULL};
        row = switch_find(&w);
    }
    if (row == NULL)
        return switch_unknown(&w, text, err);
    if (row->value == NULL && w.value != NULL) {
        error_set(err, "%s: this switch takes no value", text);
        return false;
    }
    if (row->value != NULL && w.value == NULL && w.gnu && *i + 1 < argc)
        w.value = argv[++*i];
    if (row->value != NULL && w.value == NULL) {
        error_set(err, "%s: this switch needs a value", text);
        return false;
    }
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
    if (o->file_count == 0 && !o->help && !o->version) {
        error_set(err, "no file to compile; --help tells how");
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
    return take_words(o, argc, argv, err);
}

void
options_fini(struct options *o)
{
    free(o->includes);
    free(o->files);
}
