#include "gateway/http/request.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/http/syntax.h"

#define STREAM_BLOCK ((size_t)16 * 1024)
/* What fits into a socket at once need not be counted on its way. */
#define COUNTED_BYTES ((size_t)64 * 1024)

struct response_stream {
    struct http_stream from;
    struct http_request *request;
    bool closed;
    bool broken; /* at its end */
    uint64_t bytes;
};

void
response_stream_close(struct response_stream *s)
{
    if (!s->closed && s->from.close != NULL)
        s->from.close(s->from.arg);
    s->closed = true;
}

uint64_t
response_stream_bytes(const struct response_stream *s)
{
    return s->bytes;
}

/* One chunk, and one system call, is made of each answer to the library: a
 * source that gives little at a time is asked again until it is worth it. */
static ssize_t
stream_read(void *arg, uint64_t position, char *out, size_t max)
{
    struct response_stream *s = arg;
    size_t filled = 0;

    (void)position;
    if (s->request->aborted) {
        s->broken = true;
        response_stream_close(s);
    }
    while (!s->closed && (filled == 0 || filled < max / 2)) {
        long got = s->from.read(s->from.arg, out + filled, max - filled);

        if (got == HTTP_STREAM_LATER) {
            if (filled == 0)
                request_suspend(s->request);
            s->bytes += filled;
            return (ssize_t)filled;
        }
        if (got <= 0 || (size_t)got > max - filled) {
            /* What it reads from is not held while the last bytes travel. */
            s->broken = got != 0 || (s->from.has_length &&
                                     s->bytes + filled < s->from.length);
            response_stream_close(s);
        } else {
            filled += (size_t)got;
        }
    }
    s->bytes += filled;
    if (filled > 0)
        return (ssize_t)filled;
    return s->broken ? MHD_CONTENT_READER_END_WITH_ERROR
                     : MHD_CONTENT_READER_END_OF_STREAM;
}

static void
stream_free(void *arg)
{
    response_stream_close(arg);
    free(arg);
}

static void
stream_discard(const struct http_stream *from)
{
    if (from->close != NULL)
        from->close(from->arg);
}

/* -- headers -------------------------------------------------------------- */

/* A chunked body's framing was not seen whole: the library also takes lines
 * that end in LF alone, and any extension.  Nothing that another reader might
 * have taken for a part of it is read as a request. */
static bool
response_must_close(const struct http_request *r,
                    const struct http_response *from)
{
    return from->close || r->ep->draining || r->admission.chunked;
}

static bool
add_headers(struct http_request *r, const struct http_response *from)
{
    for (size_t i = 0; i < from->header_count; i++) {
        /* The library has no empty ones: they are left out. */
        if (from->headers[i].value[0] != '\0' &&
            MHD_add_response_header(r->response, from->headers[i].name,
                                    from->headers[i].value) != MHD_YES)
            return false;
    }
    return !response_must_close(r, from) ||
           MHD_add_response_header(r->response, MHD_HTTP_HEADER_CONNECTION,
                                   "close") == MHD_YES;
}

/* -- bodies --------------------------------------------------------------- */

static struct MHD_Response *
make_streamed(struct http_request *r, const struct http_stream *from)
{
    struct response_stream *s = calloc(1, sizeof(*s));
    struct MHD_Response *made;

    if (s == NULL) {
        stream_discard(from);
        return NULL;
    }
    s->from = *from;
    s->request = r;
    made = MHD_create_response_from_callback(
        from->has_length ? from->length : MHD_SIZE_UNKNOWN, STREAM_BLOCK,
        stream_read, s, stream_free);
    if (made == NULL)
        stream_free(s);
    else
        r->stream = s;
    return made;
}

struct kept_body {
    size_t length, at;
    char data[];
};

static long
kept_read(void *arg, char *out, size_t max)
{
    struct kept_body *kept = arg;
    size_t left = kept->length - kept->at, size = left < max ? left : max;

    memcpy(out, kept->data + kept->at, size);
    kept->at += size;
    return (long)size;
}

static struct MHD_Response *
make_counted(struct http_request *r, struct span body)
{
    struct kept_body *kept = malloc(sizeof(*kept) + body.length);
    const struct http_stream stream = {.arg = kept,
                                       .read = kept_read,
                                       .close = free,
                                       .has_length = true,
                                       .length = body.length};

    if (kept == NULL)
        return NULL;
    kept->length = body.length;
    kept->at = 0;
    memcpy(kept->data, body.data, body.length);
    return make_streamed(r, &stream);
}

static struct MHD_Response *
make_buffered(struct http_request *r, int status, struct span body)
{
    bool bodiless = strcmp(r->method, MHD_HTTP_METHOD_HEAD) == 0 ||
                    syntax_status_is_bodiless(status);

    /* On other sockets nobody else can tell how far it is (room.c). */
    if (r->connection->peer.family != HTTP_PEER_TCP && !bodiless &&
        body.length > COUNTED_BYTES)
        return make_counted(r, body);
    r->body_sent = bodiless ? 0 : body.length;
    return MHD_create_response_from_buffer(
        body.length, (void *)body.data,
        body.length > 0 ? MHD_RESPMEM_MUST_COPY : MHD_RESPMEM_PERSISTENT);
}

static bool
make_response(struct http_request *r, const struct http_response *from)
{
    r->status = from->status;
    r->last |= response_must_close(r, from);
    if (from->stream != NULL)
        r->response = make_streamed(r, from->stream);
    else
        r->response = make_buffered(r, from->status, from->body);
    if (r->response == NULL)
        return false;
    if (add_headers(r, from))
        return true;
    MHD_destroy_response(r->response);
    r->response = NULL;
    r->stream = NULL;
    return false;
}

void
response_discard(const struct http_response *from)
{
    if (from->stream != NULL)
        stream_discard(from->stream);
}

bool
response_make(struct http_request *r, const struct http_response *from)
{
    static const struct http_response broken = {.status = 500, .close = true};

    if (!syntax_response_is_clean(from))
        response_discard(from);
    else if (make_response(r, from))
        return true;
    return make_response(r, &broken);
}
