#include "gateway/proxy/transfer.h"

#include <string.h>

#include "tests/support/support.h"

SUITE(pipe);

Test(pipe, gives_back_what_was_put_in_in_its_order)
{
    struct pipe p = {0};
    unsigned char in = 0, expected = 0;
    size_t held = 0;

    /* Steps that have no common divisor with the buffer. */
    for (int round = 0; round < 2000; round++) {
        char block[997], out[613];
        size_t n, got;

        for (n = 0; n < sizeof(block); n++)
            block[n] = (char)in++;
        n = pipe_put(&p, block, sizeof(block));
        in = (unsigned char)(in - (sizeof(block) - n));
        held += n;
        got = pipe_get(&p, out, sizeof(out));
        for (size_t i = 0; i < got; i++)
            cr_assert_eq((unsigned char)out[i], expected++);
        held -= got;
        cr_assert_eq(pipe_room(&p), PROXY_BUFFER - held);
    }
    cr_assert_gt(held, PROXY_BUFFER - 1000);
    pipe_fini(&p);
}

Test(pipe, takes_no_more_than_there_is_room_for)
{
    static char much[PROXY_BUFFER + 1];
    struct pipe p = {0};

    cr_assert_eq(pipe_get(&p, much, 1), 0);
    cr_assert_eq(pipe_put(&p, much, sizeof(much)), PROXY_BUFFER);
    cr_assert_eq(pipe_put(&p, much, 1), 0);
    cr_assert_eq(pipe_get(&p, much, 1), 1);
    cr_assert_eq(pipe_put(&p, much, 2), 1);
    pipe_fini(&p);
    cr_assert_eq(pipe_room(&p), PROXY_BUFFER);
}
