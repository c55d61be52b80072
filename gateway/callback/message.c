/* What worker, dispatcher and courier tell each other. */
#include <string.h>

#include "gateway/callback/callback.h"

/*
 * CREATE: the fixed part, then the texts in this order, each with its length
 * in front.  Both ends are the same build on the same machine, so numbers
 * are as the machine has them; but the receiver trusts none of it.
 */
struct create_head {
    char id[OPERATION_ID_TEXT];
    uint8_t floor, declared, applied, required;
    uint8_t has_sink;
};

#define CREATE_TEXTS 6

static void
create_texts(struct operation_request *r, struct span *texts[CREATE_TEXTS])
{
    texts[0] = &r->request_id;
    texts[1] = &r->principal;
    texts[2] = &r->namespace;
    texts[3] = &r->display;
    texts[4] = &r->target;
    texts[5] = &r->sink;
}

static bool
id_is_good(const char id[OPERATION_ID_TEXT])
{
    for (size_t i = 0; i < OPERATION_ID_TEXT - 1; i++) {
        if (!ascii_is_digit(id[i]) && !(id[i] >= 'a' && id[i] <= 'f'))
            return false;
    }
    return id[OPERATION_ID_TEXT - 1] == '\0';
}

static bool
level_is_good(unsigned level)
{
    return level >= AUTHN_LEVEL_NONE && level <= AUTHN_LEVEL_PKT_PRIVACY;
}

int
operation_request_encode(const struct operation_request *r, void *bytes,
                         size_t max, size_t *length_out)
{
    struct operation_request copy = *r;
    struct span *texts[CREATE_TEXTS];
    struct create_head head;
    char *at = bytes;
    size_t left = max;

    memset(&head, 0, sizeof(head));
    memcpy(head.id, r->id, sizeof(head.id));
    head.floor = (uint8_t)r->floor;
    head.declared = (uint8_t)r->declared;
    head.applied = (uint8_t)r->applied;
    head.required = (uint8_t)r->required;
    head.has_sink = r->sink.data != NULL;
    if (left < sizeof(head))
        return -1;
    memcpy(at, &head, sizeof(head));
    at += sizeof(head);
    left -= sizeof(head);
    create_texts(&copy, texts);
    for (size_t i = 0; i < CREATE_TEXTS; i++) {
        uint16_t length = (uint16_t)texts[i]->length;

        if (texts[i]->length > UINT16_MAX ||
            left < sizeof(length) + texts[i]->length)
            return -1;
        memcpy(at, &length, sizeof(length));
        if (length > 0)
            memcpy(at + sizeof(length), texts[i]->data, length);
        at += sizeof(length) + length;
        left -= sizeof(length) + length;
    }
    *length_out = max - left;
    return 0;
}

static bool
create_head_take(const struct create_head *head, struct operation_request *out)
{
    memcpy(out->id, head->id, sizeof(out->id));
    out->floor = (enum authn_level)head->floor;
    out->declared = (enum authn_level)head->declared;
    out->applied = (enum authn_level)head->applied;
    out->required = (enum authn_level)head->required;
    return id_is_good(head->id) && level_is_good(head->floor) &&
           level_is_good(head->declared) && level_is_good(head->applied) &&
           level_is_good(head->required) && head->has_sink <= 1;
}

int
operation_request_decode(const void *bytes, size_t length,
                         struct operation_request *out)
{
    struct span *texts[CREATE_TEXTS];
    struct create_head head;
    const char *at = bytes;
    size_t left = length;

    memset(out, 0, sizeof(*out));
    if (left < sizeof(head))
        return -1;
    memcpy(&head, at, sizeof(head));
    at += sizeof(head);
    left -= sizeof(head);
    if (!create_head_take(&head, out))
        return -1;
    create_texts(out, texts);
    for (size_t i = 0; i < CREATE_TEXTS; i++) {
        uint16_t n;

        if (left < sizeof(n))
            return -1;
        memcpy(&n, at, sizeof(n));
        if (left - sizeof(n) < n || memchr(at + sizeof(n), 0, n) != NULL)
            return -1;
        *texts[i] = (struct span){at + sizeof(n), n};
        at += sizeof(n) + n;
        left -= sizeof(n) + n;
    }
    /* All but the sink must be there. */
    for (size_t i = 0; i < CREATE_TEXTS - 1; i++) {
        if (texts[i]->length == 0)
            return -1;
    }
    if ((head.has_sink != 0) != (out->sink.length > 0) || left != 0)
        return -1;
    if (head.has_sink == 0)
        out->sink = (struct span){NULL, 0};
    return 0;
}

bool
operation_note_decode(const void *bytes, size_t length,
                      struct operation_note *out)
{
    memset(out, 0, sizeof(*out));
    if (length != sizeof(*out))
        return false;
    memcpy(out, bytes, sizeof(*out));
    return id_is_good(out->id) && out->outcome <= DELIVERY_DONE &&
           out->unsecured <= 1 && out->required <= AUTHN_LEVEL_PKT_PRIVACY &&
           out->declared <= AUTHN_LEVEL_PKT_PRIVACY &&
           out->applied <= AUTHN_LEVEL_PKT_PRIVACY &&
           out->effective <= AUTHN_LEVEL_PKT_PRIVACY &&
           memchr(out->reason, '\0', sizeof(out->reason)) != NULL &&
           memchr(out->detail, '\0', sizeof(out->detail)) != NULL;
}
