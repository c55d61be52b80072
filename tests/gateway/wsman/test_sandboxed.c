/* Parsing opens no file and no connection, and works where workers work. */
#include "tests/gateway/wsman/envelopes.h"

#include <seccomp.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/sys/sys.h"

SUITE(sandboxed);

#define IDENTIFY                                                              \
    "<s:Envelope xmlns:s='" SOAP_NS                                           \
    "'><s:Body><i:Identify xmlns:i='" IDENTITY_NS "'/></s:Body></s:Envelope>"
#define XHTML                                                                 \
    "<!DOCTYPE x PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' "                  \
    "'http://127.0.0.1/x'><x/>"
#define INCLUDING                                                             \
    "<x xmlns:i='http://www.w3.org/2001/XInclude'><i:include "                \
    "href='file:///etc/passwd'/></x>"

static const char *const documents[] = {
    IDENTIFY,
    "<?xml version='1.0' encoding='ISO-8859-15'?><x/>",
    "<?xml version='1.0' encoding='EUC-JP'?><x/>",
    "<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x>&e;</x>",
    XHTML,
    INCLUDING,
    "<x xmlns='relative'><y",
};

/* 0: the first document is accepted and the others are not. */
static int
parse_all(void)
{
    struct wsman_request r;
    struct buf b = BUF_INIT;
    struct wsman_fault f = {.kind = WSMAN_FAULT_ACCESS_DENIED};

    for (size_t i = 0; i < ARRAY_COUNT(documents); i++) {
        enum wsman_parse result = parse_text(documents[i], &r);

        if ((result == WSMAN_PARSE_OK) != (i == 0))
            return (int)i + 1;
    }
    return wsman_fault_format(&f, &b) ? 0 : 50;
}

/* Everything but what reaches outside, which kills. */
static int
forbid_outside(struct error *err)
{
    static const int calls[] = {
        SCMP_SYS(open),     SCMP_SYS(openat),     SCMP_SYS(creat),
        SCMP_SYS(stat),     SCMP_SYS(newfstatat), SCMP_SYS(access),
        SCMP_SYS(socket),   SCMP_SYS(connect),    SCMP_SYS(execve),
        SCMP_SYS(readlink),
    };
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int result = 0;

    (void)err;
    if (filter == NULL)
        return -1;
    for (size_t i = 0; i < ARRAY_COUNT(calls) && result == 0; i++)
        result = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, calls[i], 0);
    if (result == 0)
        result = seccomp_load(filter);
    seccomp_release(filter);
    return result;
}

static void
assert_works_under(int (*enter)(struct error *err))
{
    pid_t pid = fork();
    int status;

    cr_assert_geq(pid, 0);
    if (pid == 0) {
        /* A catalogue that would be read if one were. */
        setenv("XML_CATALOG_FILES", "/etc/hostname", 1);
        if (enter(NULL) < 0)
            _exit(99);
        _exit(parse_all());
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
    cr_assert_eq(WEXITSTATUS(status), 0, "%d", WEXITSTATUS(status));
}

/* Without xml_init before: nothing needs a file even then. */
Test(sandboxed, parsing_opens_nothing)
{
    assert_works_under(forbid_outside);
}

Test(sandboxed, a_worker_parses)
{
    assert_works_under(sandbox_worker);
}
