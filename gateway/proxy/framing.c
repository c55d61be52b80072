#include <string.h>

#include "gateway/proxy/transfer.h"

/* Of what is more the library would make something else. */
#define LENGTH_DIGITS_MAX 18

static bool
is_length(struct span value)
{
    for (size_t i = 0; i < value.length; i++) {
        if (!ascii_is_digit(value.data[i]))
            return false;
    }
    return value.length > 0 && value.length <= LENGTH_DIGITS_MAX;
}

bool
framing_is_plain(const struct proxy_field *fields, size_t count)
{
    struct span length = {NULL, 0};
    bool chunked = false;

    for (size_t i = 0; i < count; i++) {
        struct span value = fields[i].value;

        if (span_equal_nocase(fields[i].name, SPAN("Content-Length"))) {
            if (!is_length(value) ||
                (length.data != NULL && !span_equal(length, value)))
                return false;
            length = value;
        } else if (span_equal_nocase(fields[i].name,
                                     SPAN("Transfer-Encoding"))) {
            if (chunked || !span_equal_nocase(value, SPAN("chunked")))
                return false;
            chunked = true;
        }
    }
    return !chunked || length.data == NULL;
}
