#include "policy/mof/convert.h"

#include <string.h>

/*
 * 25 characters: yyyymmddHHMMSS.mmmmmm{+|-}UUU, or an interval
 * ddddddddHHMMSS.mmmmmm:000.  A field that is not known is all asterisks; of
 * the microseconds the last digits may be (DSP0004 5.2.4).
 */

#define DATETIME_LENGTH 25
#define POINT_AT        14
#define SIGN_AT         21

struct field {
    size_t at, length;
    unsigned least, most;
    const char *problem;
};

static const struct field time_fields[] = {
    {0, 4, 0, 9999, "the year is not four digits"},
    {4, 2, 1, 12, "the month is not 01 to 12"},
    {6, 2, 1, 31, "the day is not 01 to 31"},
    {8, 2, 0, 23, "the hour is not 00 to 23"},
    {10, 2, 0, 59, "the minute is not 00 to 59"},
    {12, 2, 0, 60, "the second is not 00 to 59"},
};

static const struct field interval_fields[] = {
    {0, 8, 0, 99999999, "the days are not eight digits"},
    {8, 2, 0, 23, "the hours are not 00 to 23"},
    {10, 2, 0, 59, "the minutes are not 00 to 59"},
    {12, 2, 0, 59, "the seconds are not 00 to 59"},
};

static bool
field_is_good(struct span text, const struct field *f)
{
    unsigned value = 0;
    size_t stars = 0;

    for (size_t i = f->at; i < f->at + f->length; i++) {
        stars += text.data[i] == '*';
        if (text.data[i] != '*' && !ascii_is_digit(text.data[i]))
            return false;
        value = value * 10 + (unsigned)(text.data[i] - '0');
    }
    if (stars > 0)
        return stars == f->length;
    return value >= f->least && value <= f->most;
}

static const char *
fields_check(struct span text, const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!field_is_good(text, &fields[i]))
            return fields[i].problem;
    }
    return NULL;
}

static bool
microseconds_are_good(struct span text)
{
    bool star = false;

    for (size_t i = POINT_AT + 1; i < SIGN_AT; i++) {
        if (text.data[i] == '*')
            star = true;
        else if (star || !ascii_is_digit(text.data[i]))
            return false;
    }
    return true;
}

/* False for a 31st of April; what is not digits is judged elsewhere. */
static bool
day_is_in_month(struct span text)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int month = (text.data[4] - '0') * 10 + text.data[5] - '0';
    int day = (text.data[6] - '0') * 10 + text.data[7] - '0';

    return text.data[4] == '*' || text.data[6] == '*' || month < 1 ||
           month > 12 || day > 31 || day <= days[month - 1];
}

const char *
datetime_check(struct span text)
{
    static const struct field offset = {22, 3, 0, 999, ""};
    char sign;

    if (text.length != DATETIME_LENGTH || text.data[POINT_AT] != '.')
        return "it is not yyyymmddHHMMSS.mmmmmm+UUU or "
               "ddddddddHHMMSS.mmmmmm:000, 25 characters";
    sign = text.data[SIGN_AT];
    if (sign != '+' && sign != '-' && sign != ':')
        return "'+', '-' or ':' is missing behind the microseconds";
    if (!microseconds_are_good(text))
        return "the microseconds are not six digits";
    if (sign == ':') {
        if (memcmp(text.data + SIGN_AT + 1, "000", 3) != 0)
            return "an interval ends in :000";
        return fields_check(text, interval_fields,
                            ARRAY_COUNT(interval_fields));
    }
    if (!field_is_good(text, &offset))
        return "the last three characters are not digits";
    if (!day_is_in_month(text))
        return "that month has fewer days";
    return fields_check(text, time_fields, ARRAY_COUNT(time_fields));
}
