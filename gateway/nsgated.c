#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/config/config.h"
#include "gateway/server/server.h"
#include "gateway/sys/sys.h"

static const char usage_text[] =
    "usage: nsgated [--config FILE] [--check-config]\n"
    "\n"
    "The gateway; stays in the foreground and logs to standard error.\n"
    "\n"
    "  --config FILE    configuration, default " CONFIG_DEFAULT_PATH "\n"
    "  --check-config   read and check it and its files, say what is wrong\n"
    "                   first, and exit\n"
    "  --version, --help\n"
    "\n"
    "SIGTERM drains and ends it, SIGHUP reloads; see nsgated(8).\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check-config", no_argument, NULL, 't'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

int
main(int argc, char **argv)
{
    const char *path = CONFIG_DEFAULT_PATH;
    struct error err = {0, ""};
    struct config *config;
    bool check = false;
    int option, status;

    while ((option = getopt_long(argc, argv, "c:th", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 't':
            check = true;
            break;
        case 'V':
            puts("nsgated " NSGATE_VERSION);
            return 0;
        case 'h':
            fputs(usage_text, stdout);
            return 0;
        default:
            fputs(usage_text, stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fputs(usage_text, stderr);
        return 2;
    }
    if (config_load(path, &config, &err) < 0) {
        fprintf(stderr, "nsgated: %s\n", err.text);
        return 1;
    }
    for (size_t i = 0; i < config->warning_count; i++)
        fprintf(stderr, "nsgated: warning: %s\n", config->warnings[i]);
    if ((check ? files_check(config, &err) : files_check_apart(config, &err)) <
        0) {
        fprintf(stderr, "nsgated: %s\n", err.text);
        config_free(config);
        return 1;
    }
    if (check && hops_check(config, &err) < 0) {
        fprintf(stderr, "nsgated: %s\n", err.text);
        config_free(config);
        return 1;
    }
    if (check && hops_warn(config, &err) < 0)
        fprintf(stderr, "nsgated: warning: %s\n", err.text);
    if (check) {
        printf("%s: good\n", config->path);
        config_free(config);
        return 0;
    }
    log_open("master", LOG_LEVEL_INFO);
    status = master_run(config, &err);
    if (status != 0)
        fprintf(stderr, "nsgated: %s\n", err.text);
    return status;
}
