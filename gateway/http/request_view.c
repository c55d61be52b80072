/* What handlers see of a request. */
#include "gateway/http/request.h"

const char *
http_request_method(const struct http_request *r)
{
    return r->method;
}

struct span
http_request_target(const struct http_request *r)
{
    return (struct span){r->target, r->target_length};
}

const struct http_peer *
http_request_peer(const struct http_request *r)
{
    return &r->connection->peer;
}

struct http_endpoint *
http_request_endpoint(const struct http_request *r)
{
    return r->ep;
}

struct span
http_request_header(const struct http_request *r, const char *name)
{
    struct span wanted = span_of(name);

    for (size_t i = 0; i < r->field_count; i++) {
        if (span_equal_nocase(r->fields[i].name, wanted))
            return r->fields[i].value;
    }
    return (struct span){NULL, 0};
}

unsigned
http_request_header_count(const struct http_request *r, const char *name)
{
    struct span wanted = span_of(name);
    unsigned count = 0;

    for (size_t i = 0; i < r->field_count; i++)
        count += span_equal_nocase(r->fields[i].name, wanted);
    return count;
}

bool
http_request_header_prefix(const struct http_request *r, const char *prefix)
{
    for (size_t i = 0; i < r->field_count; i++) {
        if (span_starts_nocase(r->fields[i].name, span_of(prefix)))
            return true;
    }
    return false;
}

bool
http_request_field(const struct http_request *r, size_t index,
                   struct span *name_out, struct span *value_out)
{
    if (index >= r->field_count)
        return false;
    *name_out = r->fields[index].name;
    *value_out = r->fields[index].value;
    return true;
}

bool
http_request_has_body(const struct http_request *r)
{
    return r->admission.chunked || r->admission.content_length > 0;
}

bool
http_request_body_length(const struct http_request *r, uint64_t *length_out)
{
    *length_out = r->admission.content_length;
    return !r->admission.chunked;
}

struct span
http_request_body(const struct http_request *r)
{
    return buf_span(&r->body);
}

void *
http_request_tls(const struct http_request *r)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);

    return info != NULL ? info->tls_session : NULL;
}

void *
http_request_certificate_context(const struct http_request *r)
{
    return tls_certificate_context(r->connection->certificate);
}

void
http_request_set_certificate_context(struct http_request *r, void *context,
                                     void (*release)(void *context))
{
    tls_certificate_set_context(r->connection->certificate, context, release);
}

void
http_request_set_context(struct http_request *r, void *context)
{
    r->context = context;
}

void *
http_request_context(const struct http_request *r)
{
    return r->context;
}

void
http_request_set_connection_context(struct http_request *r, void *context,
                                    void (*release)(void *context))
{
    connection_set_context(r->connection, context, release);
}

void *
http_request_connection_context(const struct http_request *r)
{
    return r->connection->context;
}
