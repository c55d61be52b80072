/* The bodies of WS-Enumeration (DSP0226 8, DSP0227 9.3). */
#include "gateway/wsman/body.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway/wsman/names.h"

/* What a context looks like; it is the position itself. */
#define CONTEXT_PREFIX "nsgate:"

static const struct body_row {
    const char *namespace, *name;
    enum body_id id;
} bodies[] = {
    {NS_IDENTITY, "Identify", BODY_IDENTIFY},
    {NS_ENUMERATION, "Enumerate", BODY_ENUMERATE},
    {NS_ENUMERATION, "Pull", BODY_PULL},
    {NS_ENUMERATION, "Release", BODY_RELEASE},
};

enum body_id
body_find(const char *namespace, const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        if (strcmp(namespace, bodies[i].namespace) == 0 &&
            strcmp(name, bodies[i].name) == 0)
            return bodies[i].id;
    }
    return BODY_OTHER;
}

/* -- values ----------------------------------------------------------------- */

bool
body_number_read(struct span text, size_t *out)
{
    size_t value = 0;

    for (size_t i = 0; i < text.length; i++) {
        size_t digit = (size_t)(text.data[i] - '0');

        if (!ascii_is_digit(text.data[i]))
            return false;
        value =
            value > (SIZE_MAX - digit) / 10 ? SIZE_MAX : value * 10 + digit;
    }
    *out = value;
    return value > 0;
}

void
body_context_format(enum wsman_items items, int64_t after,
                    char out[BODY_CONTEXT_MAX + 1])
{
    snprintf(out, BODY_CONTEXT_MAX + 1, CONTEXT_PREFIX "%u:%" PRId64,
             (unsigned)items, after);
}

static bool
context_read(struct span text, struct wsman_enumeration *out)
{
    struct span prefix = SPAN(CONTEXT_PREFIX), rest;
    char again[BODY_CONTEXT_MAX + 1];
    size_t after = 0;

    if (text.length < prefix.length + 3 || !span_starts_nocase(text, prefix) ||
        text.data[prefix.length] < '0' ||
        text.data[prefix.length] > '0' + WSMAN_ITEMS_BOTH)
        return false;
    out->items = (enum wsman_items)(text.data[prefix.length] - '0');
    rest = span_skip(text, prefix.length + 2);
    if (!span_equal(rest, SPAN("0")) && !body_number_read(rest, &after))
        return false;
    if (after > INT64_MAX)
        return false;
    out->after = (int64_t)after;
    body_context_format(out->items, out->after, again);
    return span_equal(text, span_of(again));
}

static bool
items_read(struct span text, struct wsman_enumeration *out)
{
    static const struct {
        struct span name;
        enum wsman_items items;
    } modes[] = {
        {SPAN("EnumerateEPR"), WSMAN_ITEMS_EPR},
        {SPAN("EnumerateObjectAndEPR"), WSMAN_ITEMS_BOTH},
    };

    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        if (span_equal(text, modes[i].name)) {
            out->items = modes[i].items;
            return true;
        }
    }
    return false;
}

static bool
elements_read(struct span text, struct wsman_enumeration *out)
{
    return body_number_read(text, &out->max_elements);
}

static bool
characters_read(struct span text, struct wsman_enumeration *out)
{
    return body_number_read(text, &out->max_characters);
}

static bool
optimize_read(struct span text, struct wsman_enumeration *out)
{
    out->optimize = true;
    return text.length == 0;
}

/* A collection is of a class and what is below it, each instance with all of
 * its own properties. */
static bool
polymorphism_read(struct span text, struct wsman_enumeration *out)
{
    (void)out;
    return span_equal(text, SPAN("IncludeSubClassProperties"));
}

/* -- parts ------------------------------------------------------------------ */

static const struct part_row {
    enum body_id body;
    const char *namespace, *name;
    bool (*read)(struct span text, struct wsman_enumeration *out);
    enum wsman_fault_kind fault; /* when it is not as it has to be */
    const char *problem;
} parts[] = {
    {BODY_PULL, NS_ENUMERATION, "EnumerationContext", context_read,
     WSMAN_FAULT_CONTEXT, "EnumerationContext is not one of this service"},
    {BODY_RELEASE, NS_ENUMERATION, "EnumerationContext", context_read,
     WSMAN_FAULT_CONTEXT, "EnumerationContext is not one of this service"},
    {BODY_PULL, NS_ENUMERATION, "MaxElements", elements_read,
     WSMAN_FAULT_SCHEMA, "MaxElements is not a positive number"},
    {BODY_PULL, NS_ENUMERATION, "MaxCharacters", characters_read,
     WSMAN_FAULT_SCHEMA, "MaxCharacters is not a positive number"},
    /* An answer takes no time worth a limit, and no context ends. */
    {BODY_PULL, NS_ENUMERATION, "MaxTime", NULL, WSMAN_FAULT_INTERNAL, NULL},
    {BODY_ENUMERATE, NS_ENUMERATION, "Expires", NULL, WSMAN_FAULT_INTERNAL,
     NULL},
    {BODY_ENUMERATE, NS_WSMAN, "OptimizeEnumeration", optimize_read,
     WSMAN_FAULT_SCHEMA, "OptimizeEnumeration is not empty"},
    {BODY_ENUMERATE, NS_WSMAN, "MaxElements", elements_read,
     WSMAN_FAULT_SCHEMA, "MaxElements is not a positive number"},
    {BODY_ENUMERATE, NS_WSMAN, "EnumerationMode", items_read,
     WSMAN_FAULT_UNSUPPORTED, "the EnumerationMode is not known"},
    {BODY_ENUMERATE, NS_BINDING, "PolymorphismMode", polymorphism_read,
     WSMAN_FAULT_POLYMORPHISM,
     "the PolymorphismMode is not IncludeSubClassProperties"},
};

_Static_assert(ARRAY_COUNT(parts) <= BODY_PARTS_MAX, "BODY_PARTS_MAX");

int
body_part_find(enum body_id body, const char *namespace, const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        if (parts[i].body == body &&
            strcmp(namespace, parts[i].namespace) == 0 &&
            strcmp(name, parts[i].name) == 0)
            return (int)i;
    }
    return -1;
}

bool
body_part_is_read(int part)
{
    return parts[part].read != NULL;
}

bool
body_part_is_context(int part)
{
    return parts[part].read == context_read;
}

const char *
body_part_take(int part, struct span text, struct wsman_enumeration *out,
               enum wsman_fault_kind *fault_out)
{
    if (parts[part].read(text, out))
        return NULL;
    *fault_out = parts[part].fault;
    return parts[part].problem;
}
