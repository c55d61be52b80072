#include "gateway/http/http.h"

#define TYPE_HTTP "application/http"

int
http_sealed_request(const struct http_sealer *sealer,
                    enum http_sealed_protocol protocol, struct span inner,
                    struct buf *out, struct error *err)
{
    struct buf sealed = BUF_INIT;
    size_t header_length = 0;
    int result =
        sealer->wrap(sealer->arg, inner, &sealed, &header_length, err);

    if (result == 0)
        http_sealed_format(protocol, TYPE_HTTP, "UTF-8", inner.length,
                           buf_span(&sealed), header_length, out);
    if (result == 0 && (buf_failed(&sealed) || buf_failed(out)))
        result = error_set(err, "out of memory");
    buf_fini(&sealed);
    return result;
}

int
http_sealed_answer(const struct http_sealer *sealer,
                   enum http_sealed_protocol protocol,
                   struct span content_type, struct span body,
                   struct buf *plain, struct http_inner *out,
                   struct error *err)
{
    struct http_sealed framing;
    const char *reason = "";

    if (http_sealed_protocol(content_type) != protocol)
        return error_set(err, "the answer is not sealed");
    if (!http_sealed_parse(body, protocol, &framing, &reason))
        return error_set(err, "the sealed answer: %s", reason);
    if (sealer->unwrap(sealer->arg, framing.sealed, plain, err) < 0)
        return -1;
    if (buf_failed(plain) || plain->length != framing.length)
        return error_set(err, "the sealed answer is not as long as it says");
    if (!span_equal_nocase(framing.type, SPAN(TYPE_HTTP)))
        return error_set(err, "the sealed answer is no application/http");
    if (!http_inner_response_parse(buf_span(plain), out, &reason))
        return error_set(err, "the sealed answer: %s", reason);
    return 0;
}
