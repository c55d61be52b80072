#ifndef GATEWAY_CONFIG_KEYS_H
#define GATEWAY_CONFIG_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "policy/base/base.h"

/* The table of keys: everything that nsgate.conf may say. */

enum section_kind {
    SECTION_NONE = 0, /* unknown, skipped in a lenient read */
    SECTION_NSGATE,
    SECTION_LISTENER,
    SECTION_ACCESS,
    SECTION_NAMESPACE,
    SECTION_CALLBACK,
    SECTION_ROUTE,
    SECTION_KIND_COUNT,
};

struct key;

/*
 * Turns text into the key's field of the section's structure.  Memory comes
 * from the arena.  The error says what is wrong with the value and no more;
 * the caller knows file, line and key.
 */
typedef int key_parser(struct arena *arena, const struct key *key,
                       void *structure, const char *text, struct error *err);

struct key {
    enum section_kind section;
    const char *name;
    key_parser *parse;
    size_t offset;      /* of the field */
    const char *preset; /* the default, parsed like a value; NULL: none */
    uint64_t min, max;  /* of numbers and sizes */
    const char *form;   /* how the manual writes the value */
    const char *manual; /* the manual's first sentence */
};

/* NULL: the end. */
const struct key *key_at(size_t index);
const struct key *key_find(enum section_kind section, struct span name);

/* The kind of "listener/public", *name_out what follows the slash; NONE and
 * an error when there is no such section. */
enum section_kind section_parse(struct span text, struct span *name_out,
                                struct error *err);
/* "[listener/NAME]" */
const char *section_form(enum section_kind kind);

#endif
