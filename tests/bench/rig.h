#ifndef TESTS_BENCH_RIG_H
#define TESTS_BENCH_RIG_H

#include <stddef.h>

/* What the programs of bench_gateway.py have in common. */

/* Says what and errno, and ends. */
void rig_die(const char *what);
double rig_now(void); /* seconds */
/* A number of a command line, 1 or more. */
size_t rig_number(const char *text);
/* count base64 tokens for HTTP@localhost, each good for one accept, as a
 * browser or curl asks for them.  Never freed: the programs are short. */
char **rig_tokens(const char *ccache, size_t count);

#endif
