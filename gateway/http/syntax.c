#include "gateway/http/syntax.h"

#include <string.h>

static bool
is_token_char(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool
syntax_is_token(struct span s)
{
    for (size_t i = 0; i < s.length; i++) {
        if (!is_token_char(s.data[i]))
            return false;
    }
    return s.length > 0;
}

bool
syntax_is_field_value(struct span s)
{
    for (size_t i = 0; i < s.length; i++) {
        char c = s.data[i];

        if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

bool
syntax_parse_length(struct span text, uint64_t *out)
{
    uint64_t value = 0;

    if (text.length == 0 || text.length > 18)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (!ascii_is_digit(text.data[i]))
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *out = value;
    return true;
}

bool
syntax_headers_are_clean(const struct http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!syntax_is_token(span_of(headers[i].name)) ||
            headers[i].value == NULL ||
            !syntax_is_field_value(span_of(headers[i].value)))
            return false;
    }
    return true;
}

bool
syntax_response_is_clean(const struct http_response *response)
{
    return response->status >= 200 && response->status <= 599 &&
           syntax_headers_are_clean(response->headers, response->header_count);
}

bool
syntax_status_is_bodiless(int status)
{
    return status == 204 || status == 304;
}
