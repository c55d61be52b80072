#include "policy/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
error_set(struct error *err, const char *format, ...)
{
    va_list ap;

    if (err == NULL)
        return -1;
    err->code = 0;
    va_start(ap, format);
    vsnprintf(err->text, sizeof(err->text), format, ap);
    va_end(ap);
    return -1;
}

int
error_set_errno(struct error *err, int errnum, const char *format, ...)
{
    va_list ap;
    size_t used;

    if (err == NULL)
        return -1;
    err->code = -errnum;
    va_start(ap, format);
    vsnprintf(err->text, sizeof(err->text), format, ap);
    va_end(ap);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, ": %s",
             strerror(errnum));
    return -1;
}

int
error_prefix(struct error *err, const char *format, ...)
{
    char old[ERROR_TEXT_MAX];
    va_list ap;
    size_t used;

    if (err == NULL)
        return -1;
    memcpy(old, err->text, sizeof(old));
    va_start(ap, format);
    vsnprintf(err->text, sizeof(err->text), format, ap);
    va_end(ap);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, ": %s", old);
    return -1;
}
