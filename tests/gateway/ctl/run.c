#include "tests/gateway/ctl/run.h"

#include <stdint.h>

#include "tests/support/support.h"

#define WORDS_MAX 24

int
run_words(run_command command, const struct ctl *ctl, const char *const *words)
{
    char *argv[WORDS_MAX + 1] = {NULL};
    int argc = 0;

    for (; argc < WORDS_MAX && words[argc] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    return command(ctl, argc, argv);
}

char *
run_printed(run_command command, const struct ctl *ctl, const char *dir,
            const char *const *words, int *status)
{
    char path[600];
    FILE *before = stdout;

    snprintf(path, sizeof(path), "%s/out", dir);
    stdout = fopen(path, "w");
    cr_assert_not_null(stdout);
    *status = run_words(command, ctl, words);
    fclose(stdout);
    stdout = before;
    return test_read_file(path, NULL);
}
