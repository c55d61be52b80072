/* prefer_parse: a URL comes out if and only if a callback does, and what came
 * out goes in again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/callback/callback.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                    \
    do {                                                                      \
        if (!(condition))                                                     \
            abort();                                                          \
    } while (0)

static void
check_again(const char *url)
{
    struct buf value = BUF_INIT;
    char again[SINK_URL_MAX + 1];

    buf_add_string(&value, "x=\"y,\", callback; url=\"");
    for (const char *p = url; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            buf_add_char(&value, '\\');
        buf_add_char(&value, *p);
    }
    buf_add_string(&value, "\", respond-async");
    REQUIRE(!buf_failed(&value));
    REQUIRE(prefer_parse(buf_span(&value), again) == PREFER_CALLBACK);
    REQUIRE(strcmp(url, again) == 0);
    buf_fini(&value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *value = malloc(size + (size == 0));
    char url[SINK_URL_MAX + 1];
    enum prefer_parse parsed;

    if (value == NULL)
        return 0;
    memcpy(value, data, size);
    memset(url, 'x', sizeof(url));
    parsed = prefer_parse((struct span){value, size}, url);
    REQUIRE(memchr(url, '\0', sizeof(url)) != NULL);
    REQUIRE((url[0] != '\0') == (parsed == PREFER_CALLBACK));
    for (const char *p = url; *p != '\0'; p++)
        REQUIRE((unsigned char)*p >= 0x20 ? *p != 0x7f : *p == '\t');
    if (parsed == PREFER_CALLBACK)
        check_again(url);
    free(value);
    return 0;
}
