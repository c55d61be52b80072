#include <stdlib.h>
#include <string.h>

#include "policy/mofcomp/switches.h"
#include "tests/support/support.h"

SUITE(options);

#define WORDS_MAX 16

/* argv from one text, words apart by a blank. */
static bool
parse(struct options *o, const char *text, struct error *err)
{
    static char copy[400];
    char *argv[WORDS_MAX + 2] = {(char *)"mofcomp"}, *save = NULL;
    int argc = 1;

    snprintf(copy, sizeof(copy), "%s", text);
    for (char *word = strtok_r(copy, " ", &save);
         word != NULL && argc <= WORDS_MAX; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    return options_parse(o, argc, argv, err);
}

Test(options, reads_both_spellings_of_a_switch)
{
    static const char *const rows[] = {
        "-N:root\\x a.mof",         "-n:ROOT\\X a.mof",
        "--namespace=root/x a.mof", "--namespace root\\x a.mof",
        "a.mof -N:\\\\.\\root\\x",
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct options o;
        struct error err = {0};

        cr_expect(parse(&o, rows[i], &err), "%s: %s", rows[i], err.text);
        cr_expect(span_equal(namespace_path_span(&o.default_namespace),
                             SPAN("root\\x")),
                  "%s", rows[i]);
        cr_expect(o.file_count == 1 && strcmp(o.files[0], "a.mof") == 0);
        options_fini(&o);
    }
}

Test(options, sets_what_each_switch_says)
{
    struct options o;
    struct error err;

    cr_assert(parse(&o,
                    "--dry-run --strict --create --quiet -I x -Iy "
                    "--max-errors=7 a.mof",
                    &err));
    cr_expect(o.dry_run && o.strict && o.create && o.quiet);
    cr_expect(o.include_count == 2 && strcmp(o.includes[0], "x") == 0 &&
              strcmp(o.includes[1], "y") == 0);
    cr_expect(o.max_errors == 7);
    options_fini(&o);
    cr_assert(
        parse(&o, "--dump=JSON --diagnostics=json --color=Never -- -a", &err));
    cr_expect(o.dump == DUMP_JSON && o.json && o.color == COLOR_NEVER);
    cr_expect(o.file_count == 1 && strcmp(o.files[0], "-a") == 0);
    options_fini(&o);
    cr_assert(parse(&o,
                    "-class:UPDATEONLY --class=safeupdate "
                    "-instance:createonly -W escape --error=line-end "
                    "--no-warn=rounding a",
                    &err));
    cr_expect(o.class_change ==
              (MOF_CHANGE_UPDATE_ONLY | MOF_CHANGE_UPDATE_SAFE));
    cr_expect(o.instance_change == MOF_CHANGE_CREATE_ONLY);
    cr_expect(o.warnings[MOF_WARNING_ESCAPE] == MOF_WARNING_ON);
    cr_expect(o.warnings[MOF_WARNING_LINE_END] == MOF_WARNING_ERROR);
    cr_expect(o.warnings[MOF_WARNING_ROUNDING] == MOF_WARNING_OFF);
    options_fini(&o);
}

Test(options, refuses_with_a_reason)
{
    static const struct {
        const char *words, *reason;
    } rows[] = {
        {"", "no file to compile"},
        {"--nonsense a", "--nonsense: there is no such switch"},
        {"--chekc a", "did you mean --check?"},
        {"-strict a", "did you mean --strict?"},
        {"--quiet=yes a", "takes no value"},
        {"--dump", "--dump=FORMAT"},
        {"-N a", "-N:NAMESPACE"},
        {"-I", "-I DIR"},
        {"--config= a", "--config needs a path"},
        {"--max-errors=0 a", "a number from 1"},
        {"--max-errors=-1 a", "a number from 1"},
        {"--max-errors=1x a", "a number from 1"},
        {"--color=sometimes a", "auto, always or never"},
        {"--warn=nothing a", "no such class of warnings"},
        {"-class:createonly -class:updateonly a", "-class:updateonly: "},
        {"-class:never a", "createonly, updateonly, safeupdate or "
                           "forceupdate"},
        {"-instance:safeupdate a", "createonly or updateonly"},
        {"-P:secret a", "-P: "},
        {"-check -N:root\\x a", "-check stands alone: -N:root\\x"},
        {"--create --check a", "-check stands alone: --create"},
        {"--dump=mof --dry-run a", "exclude each other"},
        {"- -", "standard input"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct options o;
        struct error err = {0};

        cr_expect(!parse(&o, rows[i].words, &err), "%s", rows[i].words);
        cr_expect(strstr(err.text, rows[i].reason) != NULL, "%s: %s",
                  rows[i].words, err.text);
        cr_expect(strstr(err.text, "secret") == NULL, "%s", err.text);
        options_fini(&o);
    }
}

Test(options, helps_in_lines_that_fit_a_terminal)
{
    struct buf text = BUF_INIT;
    struct span rest;

    options_help(&text);
    cr_assert(!buf_failed(&text));
    rest = buf_span(&text);
    while (rest.length > 0) {
        struct span line = span_cut(rest, '\n', &rest);

        cr_expect(line.length < 80, "%.*s", (int)line.length, line.data);
    }
    for (size_t i = 0; i < switch_count; i++) {
        char name[64];

        snprintf(name, sizeof(name), "--%s", switches[i].gnu);
        cr_expect(switches[i].take == NULL || strstr(text.data, name) != NULL,
                  "%s", name);
    }
    buf_fini(&text);
}
