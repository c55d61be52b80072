#ifndef POLICY_BASE_CLOCK_H
#define POLICY_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_TEXT_MAX 32

uint64_t clock_monotonic_ms(void);
/* Microseconds since 1970, UTC. */
int64_t clock_now_us(void);
/* RFC 3339 in UTC with milliseconds: 2026-01-02T03:04:05.678Z. */
void clock_format(int64_t time_us, char out[CLOCK_TEXT_MAX]);
/* A calendar date YYYY-MM-DD as the first microsecond of that day in UTC;
 * -1 if it is no date. */
int64_t clock_parse_date(const char *text);

#endif
