#ifndef POLICY_BASE_ERROR_H
#define POLICY_BASE_ERROR_H

/*
 * One error, in words a person can act on.
 *
 * A function that can fail for a reason worth reading returns int, 0 or
 * negative, and takes a struct error * last.  It fills it on failure only.
 * A caller passing NULL does not care for the reason.  Deny, challenge and
 * not found are values, never errors.
 */
#define ERROR_TEXT_MAX 1024

struct error {
    int code;                  /* negative errno, or 0 when none is apt */
    char text[ERROR_TEXT_MAX]; /* one line, no newline, UTF-8 */
};

/* Fill err (may be NULL) and return -1. */
int error_set(struct error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same with ": " and strerror(errnum) appended; code is -errnum. */
int error_set_errno(struct error *err, int errnum, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "format: " before the text that is there, as an error climbs. */
int error_prefix(struct error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
