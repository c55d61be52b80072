/* http_target_parse and http_query_get: what is accepted has one decoded
 * form, which holds nothing that another reader would take apart. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                    \
    do {                                                                      \
        if (!(condition))                                                     \
            abort();                                                          \
    } while (0)

static struct http_target target;

static void
check_path(void)
{
    struct span path = {target.path, target.path_length};

    REQUIRE(path.length > 0 && path.length < HTTP_TARGET_MAX);
    REQUIRE(path.data[0] == '/' && path.data[path.length] == '\0');
    REQUIRE(strlen(path.data) == path.length);
    REQUIRE(utf8_is_valid(path));
    for (size_t i = 0; i < path.length; i++)
        REQUIRE((unsigned char)path.data[i] >= 0x20 && path.data[i] != 0x7f);
    if (strncmp(path.data, "/cim/", 5) == 0 && strchr(path.data, ':') != NULL)
        return;
    /* No key: every slash separates. */
    REQUIRE(strchr(path.data, '\\') == NULL);
    REQUIRE(strstr(path.data, "//") == NULL);
    for (const char *s = path.data; s != NULL; s = strchr(s + 1, '/')) {
        size_t length = strcspn(s + 1, "/");

        REQUIRE(!(length == 1 && s[1] == '.'));
        REQUIRE(!(length == 2 && s[1] == '.' && s[2] == '.'));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *raw = malloc(size + (size == 0));
    char value[64];

    if (raw == NULL)
        return 0;
    memcpy(raw, data, size);
    if (http_target_parse((struct span){raw, size}, &target)) {
        check_path();
        REQUIRE(target.query.data == NULL ||
                (target.query.data > raw &&
                 target.query.data + target.query.length == raw + size));
    } else {
        REQUIRE(target.path_length == 0 && target.path[0] == '\0');
        target.query = (struct span){raw, size};
    }
    if (http_query_get(target.query, "limit", value, sizeof(value)) == 1)
        REQUIRE(utf8_is_valid(span_of(value)));
    else
        REQUIRE(value[0] == '\0');
    free(raw);
    return 0;
}
