/* An event on its way from a worker to the recorder.  Both are the same
 * program on the same machine, but the worker may have been taken over
 * (threat 34): every length is checked. */
#include <string.h>

#include "gateway/event/database.h"

#define MESSAGE_VERSION 1
#define HEADER_BYTES    30 /* version, fields, id, time, generation, ... */
#define FIELD_BYTES     3  /* field, length */
#define CUT_MIN         40

struct reader {
    const unsigned char *at;
    size_t left;
};

static unsigned char *
put(unsigned char *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char)(value >> (8 * i));
    return at + bytes;
}

/* The caller has made sure that there are so many. */
static uint64_t
take(struct reader *r, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)r->at[i] << (8 * i);
    r->at += bytes;
    r->left -= bytes;
    return value;
}

struct span
event_text_cut(struct span text, size_t max)
{
    if (text.length <= max)
        return text;
    text.length = max;
    while (text.length > max - 4 && text.length > 0 &&
           ((unsigned char)text.data[text.length] & 0xc0) == 0x80)
        text.length--;
    return text;
}

static size_t
encoded_size(const struct event *e, size_t text_max, unsigned *fields_out)
{
    size_t total = HEADER_BYTES;

    *fields_out = 0;
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        if (e->fields[i].data == NULL)
            continue;
        total += FIELD_BYTES + event_text_cut(e->fields[i], text_max).length;
        (*fields_out)++;
    }
    return total;
}

int
event_encode(const struct event *e, void *bytes, size_t max,
             size_t *length_out)
{
    size_t text_max = EVENT_TEXT_MAX;
    unsigned fields;
    unsigned char *at = bytes;

    /* One limit for all fields: only the longest ones feel it. */
    while (encoded_size(e, text_max, &fields) > max) {
        if (text_max <= CUT_MIN)
            return -1;
        text_max = text_max / 4 * 3;
    }
    at = put(at, MESSAGE_VERSION, 1);
    at = put(at, fields, 1);
    at = put(at, (uint64_t)e->id, 4);
    at = put(at, (uint64_t)e->time_us, 8);
    at = put(at, e->generation, 8);
    at = put(at, e->count, 4);
    at = put(at, (uint32_t)e->worker, 4);
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct span text = event_text_cut(e->fields[i], text_max);

        if (text.data == NULL)
            continue;
        at = put(at, i, 1);
        at = put(at, text.length, 2);
        if (text.length > 0)
            memcpy(at, text.data, text.length);
        at += text.length;
    }
    *length_out = (size_t)(at - (unsigned char *)bytes);
    return 0;
}

/* Fields come in their order, each once. */
static int
decode_fields(struct reader *r, unsigned count, struct event *out)
{
    size_t next = 0;

    while (count-- > 0) {
        size_t field, length;

        if (r->left < FIELD_BYTES)
            return -1;
        field = take(r, 1);
        length = take(r, 2);
        if (field < next || field >= EVENT_FIELD_COUNT ||
            length > EVENT_TEXT_MAX || length > r->left)
            return -1;
        out->fields[field] = (struct span){(const char *)r->at, length};
        r->at += length;
        r->left -= length;
        next = field + 1;
    }
    return r->left == 0 ? 0 : -1;
}

int
event_decode(const void *bytes, size_t length, struct event *out)
{
    struct reader r = {bytes, length};
    struct event e = {0};
    unsigned fields;

    *out = e;
    if (length < HEADER_BYTES || take(&r, 1) != MESSAGE_VERSION)
        return -1;
    fields = (unsigned)take(&r, 1);
    e.id = (enum event_id)take(&r, 4);
    e.time_us = (int64_t)take(&r, 8);
    e.generation = take(&r, 8);
    e.count = (uint32_t)take(&r, 4);
    e.worker = (int32_t)(uint32_t)take(&r, 4);
    if (event_type(e.id) == NULL || decode_fields(&r, fields, &e) < 0)
        return -1;
    *out = e;
    return 0;
}
