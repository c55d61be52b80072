/* The parser by itself, without the look at the shape that comes before it:
 * it ends at a document type and loads nothing. */
#include "gateway/xml/markup.h"

#include <seccomp.h>
#include <signal.h>
#include <fcntl.h>
#include <libxml/xmlmemory.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/support.h"

SUITE(markup);

struct seen {
    int elements, comments;
    struct buf text;
};

static void
on_start(void *arg, const char *namespace, const char *name,
         const struct xml_attributes *a)
{
    struct seen *s = arg;

    (void)namespace;
    (void)name;
    s->elements++;
    buf_add_span(&s->text, xml_attribute(a, "", "a"));
    buf_add_span(&s->text, xml_attribute(a, "urn:p", "a"));
}

static void
on_end(void *arg)
{
    (void)arg;
}

static void
on_text(void *arg, struct span text)
{
    buf_add_span(&((struct seen *)arg)->text, text);
}

static void
on_comment(void *arg)
{
    ((struct seen *)arg)->comments++;
}

static const struct xml_events events = {
    on_start, on_end, on_text, on_text, on_comment,
};

Test(markup, tells_elements_attributes_and_text)
{
    struct seen s = {.text = BUF_INIT};

    cr_assert_eq(markup_parse(SPAN("<x a='1' xmlns:p='urn:p' p:a='2'>3<y/>"
                                   "<!-- -->&#52;&amp;<![CDATA[5]]></x>"),
                              &events, &s),
                 XML_RESULT_OK);
    cr_assert_eq(s.elements, 2);
    cr_assert_eq(s.comments, 1);
    assert_span(buf_span(&s.text), "1234&5");
    buf_fini(&s.text);
}

#define WITH_ENTITIES                                                         \
    "<!DOCTYPE x SYSTEM 'http://127.0.0.1/x' [<!ENTITY a 'aaaaaaaa'>"         \
    "<!ENTITY b '&a;&a;&a;'>]><x a='&b;'>&b;</x>"

static const char *const doctypes[] = {
    "<!DOCTYPE x><x/>",
    "<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>",
    "<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><x>&f;</x>",
    "<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><x a='&f;'/>",
    "<!DOCTYPE x [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]><x/>",
    WITH_ENTITIES,
    "<!DOCTYPE x [<!ATTLIST x a CDATA 'default'>]><x/>",
    "<?p i?><x/>",
};

/* 0: each ends the reading. */
static int
parse_doctypes(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(doctypes); i++) {
        struct seen s = {.text = BUF_INIT};

        if (markup_parse(span_of(doctypes[i]), &events, &s) !=
                XML_RESULT_MALFORMED ||
            s.elements != 0)
            return (int)i + 1;
        buf_fini(&s.text);
    }
    return 0;
}

static int
open_file(void)
{
    return open("/etc/passwd", O_RDONLY) >= 0 ? 0 : 1;
}

/* Everything is allowed but to open and to connect, which kills. */
static int
run_shut_in(int (*run)(void))
{
    static const int calls[] = {SCMP_SYS(open), SCMP_SYS(openat),
                                SCMP_SYS(socket), SCMP_SYS(connect)};
    scmp_filter_ctx filter;
    int status;
    pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid == 0) {
        filter = seccomp_init(SCMP_ACT_ALLOW);
        for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
            if (seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, calls[i], 0))
                _exit(98);
        }
        if (seccomp_load(filter) != 0)
            _exit(99);
        seccomp_release(filter);
        _exit(run());
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static size_t allocations_left;

static bool
allocation_fails(void)
{
    return allocations_left == 0 || --allocations_left == 0;
}

static void *
failing_malloc(size_t size)
{
    return allocation_fails() ? NULL : malloc(size);
}

static void *
failing_realloc(void *old, size_t size)
{
    return allocation_fails() ? NULL : realloc(old, size);
}

static char *
failing_strdup(const char *s)
{
    return allocation_fails() ? NULL : strdup(s);
}

/* Once there is no memory there is none. */
Test(markup, a_document_is_read_whole_or_refused)
{
    struct seen s = {.text = BUF_INIT};
    enum xml_result result = XML_RESULT_MALFORMED;
    const char *problem;
    size_t n = 0;

    xml_init();
    cr_assert_eq(
        xmlMemSetup(free, failing_malloc, failing_realloc, failing_strdup), 0);
    while (result != XML_RESULT_OK && n < 10000) {
        buf_fini(&s.text);
        s = (struct seen){.text = BUF_INIT};
        problem = NULL;
        allocations_left = ++n;
        result = xml_read(SPAN("<p:x xmlns:p='urn:p' p:a='1&amp;'>&lt;"
                               "<y a='2'/>3</p:x>"),
                          &events, &s, &problem);
        cr_assert(result == XML_RESULT_OK || problem != NULL);
    }
    cr_assert_gt(n, 5);
    cr_assert_eq(result, XML_RESULT_OK);
    cr_assert_eq(s.elements, 2);
    /* None of it was lost: it had what it needed. */
    cr_assert_gt(allocations_left, 0);
    buf_fini(&s.text);
}

Test(markup, a_document_type_loads_nothing)
{
    int status = run_shut_in(parse_doctypes);

    cr_assert(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
    cr_assert_eq(WEXITSTATUS(status), 0, "row %d", WEXITSTATUS(status) - 1);
    /* And an open would have been seen. */
    status = run_shut_in(open_file);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}
