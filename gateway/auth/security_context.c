#include "gateway/auth/security_context.h"

#include <errno.h>
#include <gssapi/gssapi_ext.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/auth/gss_text.h"

/*
 * A message is sealed as RFC 4121 4.2.4 says, header and data one behind the
 * other.  GSS works in place in both directions, in the caller's buffer: a
 * body is copied once, which also spares the input what MIT's gss_unwrap
 * does to it (it rotates it where it stands).
 */
struct security_context {
    gss_ctx_id_t context; /* GSS_C_NO_CONTEXT: good for nothing any more */
    OM_uint32 flags;
    int64_t expires_us;
};

struct security_context *
security_context_new(gss_ctx_id_t *context, OM_uint32 flags,
                     int64_t expires_us)
{
    struct security_context *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->context = *context;
    *context = GSS_C_NO_CONTEXT;
    c->flags = flags;
    c->expires_us = expires_us;
    return c;
}

int
security_context_import(struct span exported, OM_uint32 flags,
                        int64_t expires_us, struct security_context **out,
                        struct error *err)
{
    gss_buffer_desc bytes = {exported.length,
                             (void *)(uintptr_t)exported.data};
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    OM_uint32 major, minor;

    *out = NULL;
    major = gss_import_sec_context(&minor, &bytes, &context);
    if (major != GSS_S_COMPLETE)
        return gss_text_error(major, minor, "exported context", err);
    *out = security_context_new(&context, flags, expires_us);
    if (*out != NULL)
        return 0;
    gss_delete_sec_context(&minor, &context, GSS_C_NO_BUFFER);
    return error_set_errno(err, ENOMEM, "exported context");
}

/* What failed once may be under attack, and its sequence is broken anyway. */
static void
end(struct security_context *c)
{
    OM_uint32 minor;

    gss_delete_sec_context(&minor, &c->context, GSS_C_NO_BUFFER);
}

void
security_context_free(struct security_context *c)
{
    if (c == NULL)
        return;
    end(c);
    free(c);
}

int64_t
security_context_expires_us(const struct security_context *c)
{
    return c->expires_us;
}

static int
fail(enum seal_failure *failure, enum seal_failure what, struct error *err,
     const char *text)
{
    *failure = what;
    return error_set(err, "%s", text);
}

/* Before a message is looked at. */
static int
check_alive(const struct security_context *c, enum seal_failure *failure,
            struct error *err)
{
    if (c->context == GSS_C_NO_CONTEXT)
        return fail(failure, SEAL_BROKEN, err,
                    "the security context has ended with an earlier failure");
    if (clock_now_us() >= c->expires_us)
        return fail(failure, SEAL_EXPIRED, err,
                    "the ticket of the security context has ended");
    return 0;
}

/*
 * The token, alone in the memory given, becomes the plaintext, somewhere in
 * it.  Supplementary bits (duplicate, old, out of order, a gap: RFC 2743
 * 1.2.3) are no GSS_ERROR; here they are.
 */
static int
unwrap_in_place(struct security_context *c, char *token, size_t length,
                struct span *plain, enum seal_failure *failure,
                struct error *err)
{
    gss_iov_buffer_desc iov[] = {
        {GSS_IOV_BUFFER_TYPE_STREAM, {length, token}},
        {GSS_IOV_BUFFER_TYPE_DATA, GSS_C_EMPTY_BUFFER},
    };
    OM_uint32 major, minor;
    int confidential = 0;

    major = gss_unwrap_iov(&minor, c->context, &confidential, NULL, iov,
                           ARRAY_COUNT(iov));
    if (major != GSS_S_COMPLETE) {
        *failure = SEAL_BROKEN;
        return gss_text_error(major, minor, "sealed message", err);
    }
    if (!confidential)
        return fail(failure, SEAL_CLEAR, err,
                    "the message is signed but not encrypted");
    *plain = (struct span){iov[1].buffer.value, iov[1].buffer.length};
    return 0;
}

static int
unwrap(struct security_context *c, struct span sealed, struct buf *plain,
       enum seal_failure *failure, struct error *err)
{
    size_t start = plain->length;
    struct span inside = {NULL, 0};
    char *token;

    if (check_alive(c, failure, err) < 0)
        return -1;
    if (!(c->flags & (GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG)))
        return fail(failure, SEAL_UNORDERED, err,
                    "the security context does not detect replayed messages");
    buf_add_span(plain, sealed);
    if (buf_failed(plain))
        return error_set_errno(err, ENOMEM, "sealed message");
    token = plain->data + start;
    if (unwrap_in_place(c, token, sealed.length, &inside, failure, err) < 0) {
        memset(token, 0, sealed.length);
        plain->length = start;
        return -1;
    }
    memmove(token, inside.data, inside.length);
    token[inside.length] = '\0';
    plain->length = start + inside.length;
    return 0;
}

int
security_context_unwrap(struct security_context *c, struct span sealed,
                        struct buf *plain, enum seal_failure *failure_out,
                        struct error *err)
{
    *failure_out = SEAL_BROKEN;
    if (unwrap(c, sealed, plain, failure_out, err) == 0)
        return 0;
    end(c);
    return -1;
}

/* -- our own messages ----------------------------------------------------- */

enum { HEADER, DATA, PADDING, PARTS };

/*
 * How long the parts are.  Where no trailer is asked for, the header holds
 * it, rotated (RFC 4121 4.2.5), as the peers of MS-WSMV expect: 60 bytes
 * with aes*-cts-hmac-sha1-96, a bit more with its SHA-2 kin.  AES pads
 * nothing.
 */
static int
measure(struct security_context *c, gss_iov_buffer_desc *iov,
        struct error *err)
{
    OM_uint32 major, minor;
    int confidential = 0;

    major = gss_wrap_iov_length(&minor, c->context, 1, GSS_C_QOP_DEFAULT,
                                &confidential, iov, PARTS);
    if (major != GSS_S_COMPLETE)
        return gss_text_error(major, minor, "message to be sealed", err);
    return 0;
}

static int
wrap_in_place(struct security_context *c, gss_iov_buffer_desc *iov,
              struct error *err)
{
    OM_uint32 major, minor;
    int confidential = 0;

    major = gss_wrap_iov(&minor, c->context, 1, GSS_C_QOP_DEFAULT,
                         &confidential, iov, PARTS);
    if (major != GSS_S_COMPLETE)
        return gss_text_error(major, minor, "message to be sealed", err);
    if (!confidential)
        return error_set(err, "the security context does not encrypt");
    return 0;
}

static int
wrap(struct security_context *c, struct span plain, struct buf *out,
     size_t *header_length, struct error *err)
{
    gss_iov_buffer_desc iov[PARTS] = {
        [HEADER] = {GSS_IOV_BUFFER_TYPE_HEADER, GSS_C_EMPTY_BUFFER},
        [DATA] = {GSS_IOV_BUFFER_TYPE_DATA, {plain.length, NULL}},
        [PADDING] = {GSS_IOV_BUFFER_TYPE_PADDING, GSS_C_EMPTY_BUFFER},
    };
    enum seal_failure failure;
    size_t start = out->length, length = 0;
    char *at;

    if (check_alive(c, &failure, err) < 0 || measure(c, iov, err) < 0)
        return -1;
    for (size_t i = 0; i < PARTS; i++)
        length += iov[i].buffer.length;
    if (!buf_reserve(out, length))
        return error_set_errno(err, ENOMEM, "message to be sealed");
    at = out->data + start;
    for (size_t i = 0; i < PARTS; i++) {
        iov[i].buffer.value = at;
        at += iov[i].buffer.length;
    }
    if (plain.length > 0)
        memcpy(iov[DATA].buffer.value, plain.data, plain.length);
    if (wrap_in_place(c, iov, err) < 0)
        return -1;
    *header_length = iov[HEADER].buffer.length;
    out->length = start + length;
    out->data[out->length] = '\0';
    return 0;
}

int
security_context_wrap(struct security_context *c, struct span plain,
                      struct buf *out, size_t *header_length_out,
                      struct error *err)
{
    *header_length_out = 0;
    if (wrap(c, plain, out, header_length_out, err) == 0)
        return 0;
    end(c);
    return -1;
}
