#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "policy/mofcomp/output.h"
#include "policy/mofcomp/compile.h"
#include "policy/mofcomp/export.h"
#include "policy/mofcomp/say.h"

static int
help(void)
{
    struct buf text = BUF_INIT;
    int code = EXIT_STORE;

    options_help(&text);
    if (!buf_failed(&text)) {
        fputs(text.data, stdout);
        code = EXIT_OK;
    }
    buf_fini(&text);
    return code;
}

/* Whoever reads JSON gets it for a bad switch too, wherever that stands. */
static int
bad_switch(int argc, char **argv, const struct error *err)
{
    struct options plain = {.json = false};
    struct say say;

    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        plain.json |= strcmp(argv[i], "--diagnostics=json") == 0;
    say_init(&say, &plain);
    say_error(&say, "%s", err->text);
    return EXIT_SWITCH;
}

/* What is written takes the place of nothing that is read, and of no other
 * that is written. */
static int
outputs_check(const struct options *o, struct error *err)
{
    const char *const outputs[] = {o->binary, o->neutral, o->localized};

    for (size_t i = 0; i < ARRAY_COUNT(outputs); i++) {
        for (size_t j = 0; outputs[i] != NULL && j < o->file_count; j++) {
            if (strcmp(o->files[j], "-") != 0 &&
                output_is_same(outputs[i], o->files[j]))
                return error_set(err, "%s would be written over what is read",
                                 outputs[i]);
        }
        for (size_t j = 0; outputs[i] != NULL && j < i; j++) {
            if (outputs[j] != NULL && output_is_same(outputs[i], outputs[j]))
                return error_set(err, "-MOF: and -MFL: name one file, %s",
                                 outputs[i]);
        }
    }
    return 0;
}

int
main(int argc, char **argv)
{
    struct options options;
    struct error err = {0};
    int code = EXIT_OK;

    setlocale(LC_CTYPE, "");
    /* A reader of our output that went away does not stop a compile. */
    signal(SIGPIPE, SIG_IGN);
    if (!options_parse(&options, argc, argv, &err) ||
        outputs_check(&options, &err) < 0)
        code = bad_switch(argc, argv, &err);
    else if (options.help)
        code = help();
    else if (options.version)
        puts("mofcomp (nsgate) " NSGATE_VERSION);
    else if (options.exporting)
        code = export_run(&options);
    else
        code = compile_run(&options);
    options_fini(&options);
    return code;
}
