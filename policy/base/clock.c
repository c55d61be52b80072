#include "policy/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t
clock_monotonic_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int64_t
clock_now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void
clock_format(int64_t time_us, char out[CLOCK_TEXT_MAX])
{
    time_t seconds = (time_t)(time_us / 1000000);
    char date[CLOCK_TEXT_MAX - 6];
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
    {
        memcpy(out, "?", 2);
        return;
    }
    snprintf(out, CLOCK_TEXT_MAX, "%s.%03uZ", date,
             (unsigned)(time_us / 1000 % 1000) % 1000u);
}

int64_t
clock_parse_date(const char *text)
{
    struct tm tm = {0}, again;
    char *end = strptime(text, "%Y-%m-%d", &tm);
    time_t seconds;

    if (end == NULL || *end != '\0' || strlen(text) != 10)
        return -1;
    again = tm;
    seconds = timegm(&again);
    if (again.tm_mday != tm.tm_mday || again.tm_mon != tm.tm_mon)
        return -1;
    return (int64_t)seconds * 1000000;
}
