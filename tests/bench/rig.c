#include "tests/bench/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void
rig_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

double
rig_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

size_t
rig_number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (value == 0 || *end != '\0')
        rig_die(text);
    return value;
}
