#ifndef TESTS_SUPPORT_SHORTAGE_H
#define TESTS_SUPPORT_SHORTAGE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Memory that runs out: in a program linked with SHORTAGE_LDFLAGS the
 * allocation that follows `left` others fails, once.
 *
 *     shortage_begin(n);
 *     ... what is tried ...
 *     ran_out = shortage_end();         false: there were no more than n
 */
void shortage_begin(size_t left);
bool shortage_end(void);

#endif
