#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "policy/mofcomp/compile.h"

int
main(int argc, char **argv)
{
    struct options options;
    struct error err = {0};
    int code = EXIT_OK;

    setlocale(LC_CTYPE, "");
    /* A reader of our output that went away does not stop a compile. */
    signal(SIGPIPE, SIG_IGN);
    if (!options_parse(&options, argc, argv, &err)) {
        fprintf(stderr, "mofcomp: %s\n", err.text);
        code = EXIT_SWITCH;
    } else if (options.help) {
        options_help();
    } else if (options.version) {
        puts("mofcomp (nsgate) " NSGATE_VERSION);
    } else {
        code = compile_run(&options);
    }
    options_fini(&options);
    return code;
}
