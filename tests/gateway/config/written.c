#include "tests/gateway/config/written.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/config/load.h"

/* One a test. */
const char *
written_dir(void)
{
    static const char *made;

    if (made == NULL)
        made = test_directory();
    return made;
}

void
written_put(const char *name, const char *text, mode_t mode)
{
    char path[4200];

    snprintf(path, sizeof(path), "%s/%s", written_dir(), name);
    test_write_file(path, text, strlen(text));
    cr_assert(chmod(path, mode) == 0);
}

void
written_files(void)
{
    static bool done;

    if (done)
        return;
    done = true;
    test_shell("mkdir -m 755 %s/state %s/run", written_dir(), written_dir());
    test_shell("mkdir -m 775 %s/loose && chmod 775 %s/loose", written_dir(),
               written_dir());
    written_put("keytab", "", 0600);
    written_put("crt", "", 0644);
    written_put("key", "", 0600);
    written_put("client", "", 0600);
    written_put("secret", "0123456789abcdef0123456789abcdef\n", 0600);
    written_put("short", "0123456789abcdef0123456789abcde\n", 0600);
    written_put("spaced", "0123456789abcdef 0123456789abcdef\n", 0600);
    written_put("lines", "0123456789abcdef\n0123456789abcdef\n", 0600);
}

/* DIR becomes the test's directory. malloc'ed. */
char *
written_expand(const char *text)
{
    struct buf b = BUF_INIT;
    const char *next;

    written_files();
    while ((next = strstr(text, "DIR")) != NULL) {
        buf_add(&b, text, (size_t)(next - text));
        buf_add_string(&b, written_dir());
        text = next + 3;
    }
    buf_add_string(&b, text);
    return buf_take(&b);
}

int
written_load(const char *text, struct config **c, struct error *err)
{
    char *whole = written_expand(text);
    int rc = config_load_text("t.conf", span_of(whole), c, err);

    free(whole);
    return rc;
}

struct config *
written_load_good(const char *text)
{
    struct config *c = NULL;
    struct error err = {0};

    cr_assert(written_load(text, &c, &err) == 0, "%s", err.text);
    return c;
}

void
written_refused(const char *text, const char *message)
{
    struct config *c = NULL;
    struct error err = {0};
    char *expected = written_expand(message);

    cr_expect(written_load(text, &c, &err) < 0, "let in, instead of: %s",
              expected);
    cr_expect(strcmp(err.text, expected) == 0, "expected %s\n     got %s",
              expected, err.text);
    cr_assert(c == NULL || err.text[0] == '\0');
    config_free(c);
    free(expected);
}

bool
written_warns(const struct config *c, const char *text)
{
    char *expected = written_expand(text);
    bool found = false;

    for (size_t i = 0; i < c->warning_count; i++)
        found |= strcmp(c->warnings[i], expected) == 0;
    free(expected);
    return found;
}
