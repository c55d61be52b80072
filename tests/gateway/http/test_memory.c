#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/http/endpoint.h"
#include "tests/gateway/http/rig.h"
#include "tests/support/support.h"

SUITE(memory);

#define PAGES 8

static size_t
page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static char *
pages_new(int flags)
{
    char *p = mmap(NULL, PAGES * page_size(), PROT_READ | PROT_WRITE,
                   flags | MAP_ANONYMOUS, -1, 0);

    cr_assert_neq(p, MAP_FAILED);
    memset(p, 0, PAGES * page_size());
    return p;
}

static unsigned
resident(char *p)
{
    unsigned char there[PAGES];
    unsigned count = 0;

    cr_assert_eq(mincore(p, PAGES * page_size(), there), 0);
    for (unsigned i = 0; i < PAGES; i++)
        count += there[i] & 1;
    return count;
}

Test(memory, gives_back_whole_pages_of_zeros_and_no_others)
{
    char *p = pages_new(MAP_PRIVATE);

    p[0] = 'a';
    p[3 * page_size() + 5] = 'b';
    p[PAGES * page_size() - 1] = 'c';
    cr_assert_eq(resident(p), PAGES);
    memory_release_zeros(p + 1, PAGES * page_size() - 1);
    cr_assert_eq(resident(p), 3);
    for (size_t i = 0; i < PAGES * page_size(); i++) {
        char there = i == 0                         ? 'a'
                     : i == 3 * page_size() + 5     ? 'b'
                     : i == PAGES * page_size() - 1 ? 'c'
                                                    : 0;

        cr_assert_eq(p[i], there, "at %zu", i);
    }
    munmap(p, PAGES * page_size());
}

Test(memory, leaves_what_is_not_its_own_or_cannot_be_read)
{
    char *shared = pages_new(MAP_SHARED), *p = pages_new(MAP_PRIVATE);

    memory_release_zeros(shared, PAGES * page_size());
    cr_assert_eq(resident(shared), PAGES);
    cr_assert_eq(mprotect(p + page_size(), page_size(), PROT_NONE), 0);
    memory_release_zeros(p, PAGES * page_size());
    cr_assert_eq(munmap(p + page_size(), page_size()), 0);
    memory_release_zeros(p, PAGES * page_size());
    memory_release_zeros(p + 1, 10);
    munmap(p, PAGES * page_size());
    munmap(shared, PAGES * page_size());
}

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

/* Half a line that lies in the library's pool is still there afterwards. */
Test(memory, of_an_idle_connection_is_given_back_and_nothing_is_lost)
{
    static const size_t sizes[] = {32768, 131072};

    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        const struct http_endpoint_options but = {.header_max = sizes[i]};
        struct reply reply[2] = {{0}, {0}};
        struct connection_list *idle;
        struct rig rig;
        int fd[2];

        rig_open(&rig, RIG_TCP, &but);
        idle = &rig.ep->lists[CONNECTION_IDLE];
        for (unsigned k = 0; k < 2; k++) {
            fd[k] = rig_connect(&rig);
            rig_send(fd[k], SPAN(GET));
            cr_assert(rig_reply(&rig, fd[k], &reply[k]));
        }
        rig_send(fd[1], SPAN("GET /half HTTP/1."));
        rig_until(&rig, TAILQ_FIRST(idle) != NULL &&
                            TAILQ_NEXT(TAILQ_FIRST(idle), link) != NULL);
        rig_send(fd[0], SPAN("GET /whole HTTP/1.1\r\nHost: x\r\n\r\n"));
        cr_assert(rig_reply(&rig, fd[0], &reply[0]));
        rig_send(fd[1], SPAN("1\r\nHost: x\r\n\r\n"));
        cr_assert(rig_reply(&rig, fd[1], &reply[1]));
        buf_add(&rig.seen, "", 1);
        cr_expect_str_eq(rig.seen.data, "GET /;GET /;GET /whole;GET /half;");
        close(fd[0]);
        close(fd[1]);
        rig_close(&rig);
    }
}
