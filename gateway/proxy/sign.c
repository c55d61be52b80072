/* The gateway's own sign-in at servers behind it (RFC 4559 as the client). */
#include "gateway/proxy/transfer.h"

#include <errno.h>
#include <string.h>

static const struct proxy_signer *
signer_of(const struct proxy_transfer *t)
{
    return &t->route->proxy->options.signer;
}

/* Of the attempt before, if there was one. */
static void
signature_drop(struct proxy_transfer *t)
{
    if (t->signature != NULL) {
        curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
        t->signature->next = NULL;
        explicit_bzero(t->signature->data, strlen(t->signature->data));
        curl_slist_free_all(t->signature);
        t->signature = NULL;
    }
    if (t->proof != NULL)
        signer_of(t)->discard(t->proof);
    t->proof = NULL;
}

static bool
signature_make(struct proxy_transfer *t)
{
    const struct proxy_signer *s = signer_of(t);
    struct buf line = BUF_INIT;

    buf_add_string(&line, "Authorization: ");
    t->proof = s->sign(s->arg, t->upstream->config, &line, &t->why);
    if (t->proof != NULL && !buf_failed(&line))
        t->signature = curl_slist_append(NULL, line.data);
    if (t->proof != NULL && t->signature == NULL)
        error_set_errno(&t->why, ENOMEM, "token");
    if (line.data != NULL)
        explicit_bzero(line.data, line.length);
    buf_fini(&line);
    if (t->signature == NULL)
        return false;
    t->signature->next = t->headers;
    return curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->signature) ==
           CURLE_OK;
}

/*
 * Each time a request is about to be written: the library, too, may write it
 * again when a kept connection turns out to be dead, and the token in it
 * would be a replay.
 */
bool
sign_request(struct proxy_transfer *t)
{
    signature_drop(t);
    if (!t->freed && signature_make(t))
        return true;
    t->refusal = PROXY_FAILURE_TICKET;
    return false;
}

/* The token of the one Negotiate among the challenges, which may share a
 * field with others (RFC 9110 11.6.1); false: there are two. */
static bool
find_token(const struct proxy_field *fields, size_t count, struct span *out)
{
    size_t found = 0;

    *out = (struct span){NULL, 0};
    for (size_t i = 0; i < count; i++) {
        struct span rest = fields[i].value;

        if (!span_equal_nocase(fields[i].name, SPAN("WWW-Authenticate")))
            continue;
        while (rest.data != NULL) {
            struct span one = span_trim(span_cut(rest, ',', &rest));

            if (!span_starts_nocase(one, SPAN("Negotiate ")))
                continue;
            *out = span_trim(span_skip(one, strlen("Negotiate ")));
            found++;
        }
    }
    return found <= 1;
}

bool
sign_verify(struct proxy_transfer *t, int status,
            const struct proxy_field *fields, size_t count)
{
    const struct proxy_signer *s = signer_of(t);
    struct span token;
    bool good;

    if (t->upstream->config->service == NULL)
        return true;
    if (status == 401)
        s->refused(s->arg, t->upstream->config);
    /* Neither reaches the client. */
    if (status == 401 || status == 407)
        return true;
    if (t->proof == NULL)
        good = error_set(&t->why, "nothing was signed") == 0;
    else if (!find_token(fields, count, &token))
        good = error_set(&t->why, "the server sent two tokens") == 0;
    else
        good = s->verify(t->proof, token, &t->why) == 0;
    if (!good)
        t->refusal = PROXY_FAILURE_IDENTITY;
    s->discard(t->proof);
    t->proof = NULL;
    return good;
}

void
sign_fini(struct proxy_transfer *t)
{
    signature_drop(t);
}
