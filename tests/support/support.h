#ifndef TESTS_SUPPORT_SUPPORT_H
#define TESTS_SUPPORT_SUPPORT_H

#include <criterion/criterion.h>

#include "policy/base/base.h"

/*
 * SUITE(span);  declares the suite of a test file; under AddressSanitizer a
 * test that leaks fails (Criterion itself lets it pass).
 */
void suite_check_leaks(void);
#define SUITE(name, ...)                                                      \
    TestSuite(name, .fini = suite_check_leaks, .timeout = 60.0, ##__VA_ARGS__)

/* The source tree and the build tree. */
const char *test_source_path(const char *relative); /* a static buffer */
const char *test_build_path(const char *relative);  /* another one */

/* A fresh directory, 0755, removed with everything in it at the end of the
 * test that made it. */
const char *test_directory(void);

/* Runs a shell command, fails the test unless it exits 0. */
void test_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The whole file, NUL-terminated, malloc'ed; fails the test without it. */
char *test_read_file(const char *path, size_t *length_out);
void test_write_file(const char *path, const void *bytes, size_t length);

#define assert_span(actual, literal)                                          \
    do {                                                                      \
        struct span span_ = (actual);                                         \
        cr_assert(span_equal(span_, span_of(literal)),                        \
                  "expected '%s', got '%.*s'", literal, (int)span_.length,    \
                  span_.data);                                                \
    } while (0)

#endif
