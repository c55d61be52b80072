#ifndef TESTS_GATEWAY_CTL_RUN_H
#define TESTS_GATEWAY_CTL_RUN_H

#include "gateway/ctl/ctl.h"

typedef int (*run_command)(const struct ctl *ctl, int argc, char **argv);

/* The exit status of a command; words end with NULL, argv[0] first. */
int run_words(run_command command, const struct ctl *ctl,
              const char *const *words);
/* What it prints to stdout, malloc'ed; a file in dir serves as stdout. */
char *run_printed(run_command command, const struct ctl *ctl, const char *dir,
                  const char *const *words, int *status);

#endif
