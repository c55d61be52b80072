#include <stdio.h>
#include <string.h>

#include "policy/base/sha256.h"
#include "tests/support/support.h"

SUITE(sha256);

Test(sha256, gives_the_published_digests)
{
    static const struct {
        const char *text;
        size_t times;
        const char *digest;
    } cases[] = {
        {"", 0,
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", 1,
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"a", 1000000,
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[SHA256_TEXT_LENGTH + 1];
        struct buf b = BUF_INIT;

        for (size_t n = 0; n < cases[i].times; n++)
            buf_add_string(&b, cases[i].text);
        sha256_text(b.length > 0 ? b.data : "", b.length, text);
        cr_assert_str_eq(text, cases[i].digest);
        buf_fini(&b);
    }
}

/* Around the ends of blocks; checked against sha256sum. */
Test(sha256, pads_every_length)
{
    for (size_t length = 0; length < 200; length++) {
        char bytes[200], text[SHA256_TEXT_LENGTH + 1];
        const char *dir = length == 0 ? test_directory() : NULL;
        static char path[300];

        if (dir != NULL)
            snprintf(path, sizeof(path), "%s/f", dir);
        if (length % 8 > 1 && length % 64 < 50)
            continue;
        memset(bytes, 'x', sizeof(bytes));
        test_write_file(path, bytes, length);
        sha256_text(bytes, length, text);
        test_shell("echo '%s  %s' | sha256sum -c --status", text, path);
    }
}
