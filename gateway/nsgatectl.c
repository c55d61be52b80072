/* nsgatectl: shows what a gateway does and why.  See nsgatectl(1). */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "gateway/ctl/ctl.h"

#ifndef NSGATE_VERSION
#define NSGATE_VERSION "unknown"
#endif

struct command {
    const char *name;
    const char *arguments;
    const char *summary;
    int (*run)(const struct ctl *ctl, int argc, char **argv);
};

static const struct command commands[] = {
    {"status", "[--json]", "what runs, and under which policy", ctl_status},
    {"reload", "", "read the configuration and the keys again", ctl_reload},
    {"namespaces", "[--json]", "what each namespace requires", ctl_namespaces},
    {"explain", "NAMESPACE [PRINCIPAL]",
     "which clients get in there, by which listener", ctl_explain},
    {"events", "[--follow] [--json] [--namespace NS] [--id N] [--limit N]",
     "the event log", ctl_events},
    {"why", "REQUEST-ID", "the cause of a refusal and its remedy", ctl_why},
    {"operations",
     "[--json] [--state NAME] [--limit N] [ID] | --retry ID | --cancel ID",
     "asynchronous operations and their dead letters", ctl_operations},
    {"doctor", "", "look for what is wrong with this installation",
     ctl_doctor},
    {"probe", "URL [--level NAME] [OPTION...]",
     "one request at exactly this level, and what came of it", ctl_probe},
    {"listen", "URL [OPTION...]",
     "a sink for asynchronous results, to try them out", ctl_listen},
};

static void
print_help(FILE *out)
{
    fputs("Usage: nsgatectl [--config FILE] [--state-dir DIR] "
          "[--runtime-dir DIR] COMMAND\n\n",
          out);
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        fprintf(out, "  %s%s%s\n        %s\n", commands[i].name,
                commands[i].arguments[0] != '\0' ? " " : "",
                commands[i].arguments, commands[i].summary);
    fputs("\nSee nsgatectl(1) for the options of each.\n", out);
}

static void
print_command(const struct command *command)
{
    printf("Usage: nsgatectl [--config FILE] [--state-dir DIR] "
           "[--runtime-dir DIR]\n           %s%s%s\n\n%s.\n"
           "See nsgatectl(1) for its options.\n",
           command->name, command->arguments[0] != '\0' ? " " : "",
           command->arguments, command->summary);
}

static bool
wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

static const struct command *
command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

enum {
    OPT_CONFIG = 256,
    OPT_STATE_DIR,
    OPT_RUNTIME_DIR,
    OPT_HELP,
    OPT_VERSION,
};

static const struct option options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"state-dir", required_argument, NULL, OPT_STATE_DIR},
    {"runtime-dir", required_argument, NULL, OPT_RUNTIME_DIR},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

/* -1: go on with the command at argv[optind]; else the exit status. */
static int
options_parse(struct ctl *ctl, int argc, char **argv)
{
    int option;

    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        switch (option) {
        case OPT_CONFIG:
            ctl->config_path = optarg;
            break;
        case OPT_STATE_DIR:
            ctl->state_dir = optarg;
            break;
        case OPT_RUNTIME_DIR:
            ctl->runtime_dir = optarg;
            break;
        case OPT_HELP:
            print_help(stdout);
            return CTL_OK;
        case OPT_VERSION:
            printf("nsgatectl (nsgate) %s\n", NSGATE_VERSION);
            return CTL_OK;
        default:
            fputs("Try 'nsgatectl --help'.\n", stderr);
            return CTL_USAGE;
        }
    }
    return -1;
}

int
main(int argc, char **argv)
{
    struct ctl ctl = {NULL, NULL, NULL};
    const struct command *command;
    int status;

    setlocale(LC_CTYPE, "");
    status = options_parse(&ctl, argc, argv);
    if (status >= 0)
        return status;
    if (optind == argc) {
        print_help(stderr);
        return CTL_USAGE;
    }
    command = command_find(argv[optind]);
    if (command == NULL)
        return ctl_misuse("no such command: %s", argv[optind]);
    if (wants_help(argc - optind, argv + optind)) {
        print_command(command);
        return CTL_OK;
    }
    status = command->run(&ctl, argc - optind, argv + optind);
    if (fflush(stdout) != 0 || ferror(stdout) != 0)
        return ctl_fail("standard output: write error");
    return status;
}
