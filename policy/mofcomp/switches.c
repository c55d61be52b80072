#include "policy/mofcomp/switches.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ERRORS_MAX 100000

/* -- what each switch does; value is NULL for those without one ------------ */

#define TAKE_FLAG(name)                                                       \
    static bool take_##name(struct options *o, const char *value,             \
                            struct error *err)                                \
    {                                                                         \
        (void)value;                                                          \
        (void)err;                                                            \
        o->name = true;                                                       \
        return true;                                                          \
    }

TAKE_FLAG(check)
TAKE_FLAG(strict)
TAKE_FLAG(create)
TAKE_FLAG(dry_run)
TAKE_FLAG(quiet)
TAKE_FLAG(autorecover)
TAKE_FLAG(help)
TAKE_FLAG(version)

/* The words that are no switches are namespaces, too. */
static bool
take_export(struct options *o, const char *value, struct error *err)
{
    (void)err;
    o->exporting = true;
    o->files[o->file_count++] = value;
    return true;
}

/* One word of several, in any case: its index in words, or -1 with err. */
static int
word_take(const char *name, const char *value, const char *const *words,
          struct error *err)
{
    struct nearest n;
    struct buf list = BUF_INIT;

    nearest_init(&n, span_of(value));
    for (int i = 0; words[i] != NULL; i++) {
        if (span_equal_nocase(span_of(value), span_of(words[i]))) {
            buf_fini(&list);
            return i;
        }
        nearest_offer(&n, span_of(words[i]));
        buf_addf(&list, "%s%s",
                 i == 0                 ? ""
                 : words[i + 1] == NULL ? " or "
                                        : ", ",
                 words[i]);
    }
    if (n.best.length > 0)
        error_set(err, "%s%s: did you mean %.*s?", name, value,
                  (int)n.best.length, n.best.data);
    else
        error_set(err, "%s%s: write %s", name, value,
                  buf_failed(&list) ? "another word" : list.data);
    buf_fini(&list);
    return -1;
}

static bool
take_recover(struct options *o, const char *value, struct error *err)
{
    (void)value;
    (void)err;
    o->recovering = true;
    return true;
}

static bool
take_despite(struct options *o, const char *value, struct error *err)
{
    static const char *const words[] = {"missing", "changed", "weaker", NULL};
    int word = word_take("--despite=", value, words, err);

    if (word >= 0)
        o->despite |= 1u << word;
    return word >= 0;
}

static bool
take_namespace(struct options *o, const char *value, struct error *err)
{
    if (namespace_path_parse(&o->default_namespace, span_of(value), err) ==
        NAMESPACE_PATH_OK)
        return true;
    error_prefix(err, "--namespace");
    return false;
}

static bool
change_take(const char *name, const char *value, unsigned allowed,
            unsigned *change, struct error *err)
{
    static const char *const ways[] = {"createonly", "updateonly",
                                       "safeupdate", "forceupdate", NULL};
    static const char *const instance_ways[] = {"createonly", "updateonly",
                                                NULL};
    const char *why;

    if (!mof_change_add(span_of(value), allowed, change)) {
        word_take(name, value,
                  allowed == MOF_CHANGE_OF_CLASS ? ways : instance_ways, err);
        return false;
    }
    why = mof_change_contradiction(*change);
    if (why != NULL)
        error_set(err, "%s%s: %s", name, value, why);
    return why == NULL;
}

static bool
take_class(struct options *o, const char *value, struct error *err)
{
    return change_take("-class:", value, MOF_CHANGE_OF_CLASS, &o->class_change,
                       err);
}

static bool
take_instance(struct options *o, const char *value, struct error *err)
{
    return change_take("-instance:", value, MOF_CHANGE_OF_INSTANCE,
                       &o->instance_change, err);
}

static bool
take_dump(struct options *o, const char *value, struct error *err)
{
    static const char *const formats[] = {"mof", "json", NULL};
    int format = word_take("--dump=", value, formats, err);

    o->dump = format == 1 ? DUMP_JSON : DUMP_MOF;
    return format >= 0;
}

static bool
take_diagnostics(struct options *o, const char *value, struct error *err)
{
    static const char *const formats[] = {"text", "json", NULL};
    int format = word_take("--diagnostics=", value, formats, err);

    o->json = format == 1;
    return format >= 0;
}

static bool
take_color(struct options *o, const char *value, struct error *err)
{
    static const char *const choices[] = {"auto", "always", "never", NULL};
    int choice = word_take("--color=", value, choices, err);

    if (choice >= 0)
        o->color = (enum color_choice)choice;
    return choice >= 0;
}

static bool
warning_take(struct options *o, const char *name, const char *value,
             enum mof_warning_setting setting, struct error *err)
{
    struct nearest n;

    if (mof_warning_set(o->warnings, span_of(value), setting))
        return true;
    nearest_init(&n, span_of(value));
    for (unsigned i = 0; i < MOF_WARNING_COUNT; i++)
        nearest_offer(&n, span_of(mof_warning_row((enum mof_warning)i)->name));
    if (n.best.length > 0)
        error_set(err, "%s%s: did you mean %.*s?", name, value,
                  (int)n.best.length, n.best.data);
    else
        error_set(err,
                  "%s%s: there is no such class of warnings; --help "
                  "lists them",
                  name, value);
    return false;
}

static bool
take_warn(struct options *o, const char *value, struct error *err)
{
    return warning_take(o, "--warn=", value, MOF_WARNING_ON, err);
}

static bool
take_no_warn(struct options *o, const char *value, struct error *err)
{
    return warning_take(o, "--no-warn=", value, MOF_WARNING_OFF, err);
}

static bool
take_error(struct options *o, const char *value, struct error *err)
{
    return warning_take(o, "--error=", value, MOF_WARNING_ERROR, err);
}

static bool
take_max_errors(struct options *o, const char *value, struct error *err)
{
    char *end;
    unsigned long n = strtoul(value, &end, 10);

    if (!isdigit((unsigned char)value[0]) || *end != '\0' || n == 0 ||
        n > MAX_ERRORS_MAX)
    {
        error_set(err, "--max-errors=%s: write a number from 1 to %d", value,
                  MAX_ERRORS_MAX);
        return false;
    }
    o->max_errors = (unsigned)n;
    return true;
}

static bool
path_take(const char **to, const char *name, const char *value,
          struct error *err)
{
    if (value[0] == '\0') {
        error_set(err, "%s needs a path", name);
        return false;
    }
    *to = value;
    return true;
}

static bool
take_config(struct options *o, const char *value, struct error *err)
{
    return path_take(&o->config, "--config", value, err);
}

static bool
take_state_dir(struct options *o, const char *value, struct error *err)
{
    return path_take(&o->state_dir, "--state-dir", value, err);
}

static bool
take_runtime_dir(struct options *o, const char *value, struct error *err)
{
    return path_take(&o->runtime_dir, "--runtime-dir", value, err);
}

static bool
take_binary(struct options *o, const char *value, struct error *err)
{
    return path_take(&o->binary, "--binary", value, err);
}

static bool
take_output(struct options *o, const char *value, struct error *err)
{
    return path_take(&o->output, "--output", value, err);
}

static bool
take_amendment(struct options *o, const char *value, struct error *err)
{
    o->amendment = value;
    if (mof_amend_locale(span_of(value)))
        return true;
    error_set(err, "-AMENDMENT:%s: write the name of a language as MS_409",
              value);
    return false;
}

static bool
take_mof(struct options *o, const char *value, struct error *err)
{
    return path_take(&o->neutral, "--mof", value, err);
}

static bool
take_mfl(struct options *o, const char *value, struct error *err)
{
    return path_take(&o->localized, "--mfl", value, err);
}

static bool
take_include(struct options *o, const char *value, struct error *err)
{
    return path_take(&o->includes[o->include_count++], "--include", value,
                     err);
}

/* -- the table ------------------------------------------------------------- */

/* gnu, windows, letter, value, excluded by -check, function, help */
const struct switch_row switches[] = {
    {.help = "What to do:"},
    {"check", "check", NULL, NULL, false, take_check,
     "only look at the syntax; stands alone among\n"
     "Windows' switches and needs no repository"},
    {"dry-run", NULL, NULL, NULL, true, take_dry_run,
     "show what a compile would change, change nothing"},
    {"dump", NULL, NULL, "FORMAT", true, take_dump,
     "print the checked sources as mof or json, store\nnothing"},
    {"binary", "B", NULL, "FILE", true, take_binary,
     "write the one source as binary MOF, store nothing;\n"
     "needs no repository"},
    {"export", NULL, NULL, "NAMESPACE", true, take_export,
     "write the namespace and all below it as MOF; more\nnamespaces may "
     "follow"},
    {"output", NULL, "o", "FILE", true, take_output,
     "of --export, in place once it is whole; else\nstandard output"},
    {"recover", NULL, NULL, NULL, true, take_recover,
     "make the repository anew from the files on its list"},
    {"despite", NULL, NULL, "WHAT", true, take_despite,
     "--recover although files are missing or changed, or\nthe policy would "
     "become weaker"},
    {"amendment", "AMENDMENT", NULL, "LOCALE", true, take_amendment,
     "split the sources: MS_409 is the language of what is\namended"},
    {"mof", "MOF", NULL, "FILE", true, take_mof,
     "where a split puts what has no language"},
    {"mfl", "MFL", NULL, "FILE", true, take_mfl,
     "and what has one, for a namespace of its own"},
    {.help = "How to compile:"},
    {"namespace", "N", NULL, "NAMESPACE", true, take_namespace,
     "where files begin that name none (root\\default)"},
    {"class", "class", NULL, "WAY", true, take_class,
     "createonly, updateonly, safeupdate or forceupdate"},
    {"instance", "instance", NULL, "WAY", true, take_instance,
     "createonly or updateonly"},
    {"autorecover", "autorecover", NULL, NULL, true, take_autorecover,
     "put the files on the list that --recover compiles"},
    {"strict", NULL, NULL, NULL, false, take_strict,
     "refuse what WMI and DSP0004 refuse"},
    {"create", NULL, NULL, NULL, true, take_create,
     "a secured namespace may be new though its name is\n"
     "nearly that of another"},
    {"include", NULL, "I", "DIR", false, take_include,
     "also look here for included files"},
    {.help = "What is said:"},
    {"warn", NULL, "W", "CLASS", false, take_warn,
     "give warnings of that class, or all"},
    {"no-warn", NULL, NULL, "CLASS", false, take_no_warn, "leave them out"},
    {"error", NULL, NULL, "CLASS", false, take_error,
     "make them errors; all: those that are given"},
    {"max-errors", NULL, NULL, "N", false, take_max_errors,
     "stop after so many (20)"},
    {"diagnostics", NULL, NULL, "FORMAT", false, take_diagnostics,
     "text, or json: an object a line"},
    {"color", NULL, NULL, "WHEN", false, take_color,
     "auto (on a terminal, unless NO_COLOR is set),\nalways or never"},
    {"quiet", NULL, NULL, NULL, false, take_quiet,
     "say nothing but warnings and errors"},
    {.help = "Where things are:"},
    {"config", NULL, NULL, "FILE", false, take_config,
     "the configuration (/etc/nsgate/nsgate.conf)"},
    {"state-dir", NULL, NULL, "DIR", false, take_state_dir,
     "where the repository is"},
    {"runtime-dir", NULL, NULL, "DIR", false, take_runtime_dir,
     "where the gateway's control socket is"},
    {.help = "And:"},
    {"version", NULL, NULL, NULL, false, take_version, "show the version"},
    {"help", "?", NULL, NULL, false, take_help, "show this"},
};

const size_t switch_count = ARRAY_COUNT(switches);

const struct foreign_switch foreign_switches[] = {
    {"A", "there is no other machine to log on to: the repository is this "
          "one's, and whoever may write its state directory compiles"},
    {"ER", "resources of Windows programs are not read here; extract the "
           "binary MOF with a tool for resources"},
    {"L", "it goes with -ER:, which is not supported here"},
    {"P", "there is no other machine to log on to, and a password does not "
          "belong on a command line"},
    {"U", "there is no other machine to log on to: the repository is this "
          "one's, and whoever may write its state directory compiles"},
    {"WMI", "the checks for Windows drivers are not made here"},
};

const size_t foreign_switch_count = ARRAY_COUNT(foreign_switches);
