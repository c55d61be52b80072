#ifndef POLICY_MOF_BINARY_H
#define POLICY_MOF_BINARY_H

#include "policy/mof/compilation.h"

/*
 * Binary MOF, as `mofcomp -B` of Windows makes it and firmware carries it
 * (docs/mof.md, "Binary MOF").  All numbers are little-endian, 32 bits:
 *
 *     file      "FOMB", 1, packed length, unpacked length, packed data
 *     unpacked  "FOMB", length of this part, 1, 1, objects, object...
 *               "BMOFQUALFLAVOR11", entries, { offset, flavors }...
 *     object    length, 0 (NONE: no qualifiers), offset of the properties,
 *               offset of the methods, 0 class or 1 instance,
 *               qualifiers, properties, methods
 *     list      length, elements, element...
 *     record    length, type, 0, offset of the value (NONE: none), offset of
 *               the qualifiers (NONE: none), name, value, qualifiers
 *     qualifier length, type, 0, offset of the value, name, value
 *     array     length, 1, elements, length of the row, element...
 *
 * Lengths count themselves; offsets count from behind the header, those of
 * the flavors from the start of the unpacked data.  Text is UTF-16 with a
 * NUL and up to one more for the alignment.  Properties and methods are
 * records; a method's value is an array of one or two objects called
 * __PARAMETERS, and a class's name, superclass and namespace are properties
 * of it.  The format's source: the decoder pali/bmfdec, read for its facts,
 * the published numbers of CIMTYPE_ENUMERATION and WBEM_FLAVOR_TYPE (WMI
 * SDK), and files of firmware.
 */
#define BINARY_MAGIC        "FOMB"
#define BINARY_FLAVOR_MAGIC "BMOFQUALFLAVOR11"
#define BINARY_NONE         UINT32_MAX

#define BINARY_HEADER        16u
#define BINARY_ROOT_HEADER   20u
#define BINARY_OBJECT_HEADER 20u
#define BINARY_RECORD_HEADER 20u
#define BINARY_QUALIFIER     16u /* its header */
#define BINARY_LIST_HEADER   8u
#define BINARY_ARRAY_HEADER  16u
#define BINARY_FLAVOR_HEADER 20u
#define BINARY_FLAVOR        8u

/* Named limits (threat 32); the file itself is bounded by its source. */
#define BINARY_PACKED_MAX   ((size_t)8 * 1024 * 1024)
#define BINARY_UNPACKED_MAX ((size_t)32 * 1024 * 1024)

/* CIMTYPE_ENUMERATION (WMI SDK), and what only a binary knows. */
enum binary_type {
    BINARY_SINT16 = 0x02,
    BINARY_SINT32 = 0x03,
    BINARY_REAL32 = 0x04,
    BINARY_REAL64 = 0x05,
    BINARY_STRING = 0x08,
    BINARY_BOOLEAN = 0x0b,
    BINARY_OBJECT = 0x0d,
    BINARY_SINT8 = 0x10,
    BINARY_UINT8 = 0x11,
    BINARY_UINT16 = 0x12,
    BINARY_UINT32 = 0x13,
    BINARY_SINT64 = 0x14,
    BINARY_UINT64 = 0x15,
    BINARY_DATETIME = 0x65,
    BINARY_REFERENCE = 0x66,
    BINARY_CHAR16 = 0x67,
    BINARY_ARRAY = 0x2000,   /* or'ed in */
    BINARY_ALIAS = 0x4008,   /* in an instance: a reference by its alias */
    BINARY_OBJECTS = 0x200d, /* a method's parameters */
};

struct binary_type_row {
    enum binary_type code;
    enum cim_type type;
    uint32_t size; /* of a value; 0: text or an object */
};

/* Rows of the scalar types; NULL when there is none. */
const struct binary_type_row *binary_type_of_code(uint32_t code);
const struct binary_type_row *binary_type_of(enum cim_type type);

/* WBEM_FLAVOR_TYPE (WMI SDK). */
struct binary_flavor_row {
    uint32_t bit;
    unsigned flavor; /* enum cim_flavor */
};
#define BINARY_FLAVOR_ROWS 4
extern const struct binary_flavor_row binary_flavors[BINARY_FLAVOR_ROWS];
/* Of the qualifiers that mofcomp adds by itself: CIMTYPE and ID. */
#define BINARY_FLAVORS_CIMTYPE 0x03u
#define BINARY_FLAVORS_ID      0x11u

/* -- binary_unpack.c -------------------------------------------------------- */

/* What is wrong with a file, and where in it. */
struct binary_problem {
    const char *text; /* NULL: memory ran out */
    uint32_t offset;
};

/* The unpacked data, malloc'ed and NUL-terminated.  False: *problem. */
bool binary_unpack(const unsigned char *bytes, size_t length, char **out,
                   uint32_t *length_out, struct binary_problem *problem);

/* -- binary_pack.c: the opposite; false when out of memory or over a limit -- */

bool binary_pack(struct buf *out, struct span unpacked);

/* -- reading: binary_read.c, binary_record.c, binary_value.c, binary_object.c */

/* A part of the unpacked data. */
struct region {
    uint32_t at, end;
};

/* An entry of the flavors' list, sorted by offset. */
struct binary_flavor {
    uint32_t offset, bits;
    bool used;
};

struct binary_reader {
    struct mof_compilation *c;
    struct source *source; /* its text is the unpacked data */
    struct binary_flavor *flavors;
    size_t flavor_count;
    struct strmap *aliases; /* of this file */
    struct space *space;    /* of the object before */
    struct buf text;        /* of the string being decoded */
};

/* Reads all of a file into the compilation's statements. */
void binary_read(struct mof_compilation *c, struct source *s,
                 const void *bytes, size_t length);

/* Reports damage at an offset of the unpacked data; false always. */
bool binary_damage(struct binary_reader *r, uint32_t offset,
                   const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* binary_record.c: each false after damage was reported */
bool binary_take_number(struct binary_reader *r, struct region *from,
                        uint32_t *out);
/* The next element of a list, whose length leads; *from moves behind it. */
bool binary_take_element(struct binary_reader *r, struct region *from,
                         uint32_t header, struct region *out);
/* UTF-16 up to its NUL, as UTF-8 in the arena. */
bool binary_read_text(struct binary_reader *r, struct region from,
                      struct span *out);
/* The same off the front of what holds more. */
bool binary_take_text(struct binary_reader *r, struct region *from,
                      struct span *out);
/* What is left behind a value is its alignment. */
bool binary_check_padding(struct binary_reader *r, struct region rest);
/* A text that must be an identifier. */
bool binary_read_name(struct binary_reader *r, struct region from,
                      struct span *out);

/* A property or method. */
struct binary_record {
    struct region all, value, qualifiers;
    uint32_t type;
    bool has_value, has_qualifiers;
    struct span name;
};
bool binary_read_record(struct binary_reader *r, struct region all,
                        struct binary_record *out);
/* A list's header and its extent: *from starts at its first element. */
bool binary_read_list(struct binary_reader *r, struct region *from,
                      uint32_t *count_out);

/* binary_value.c */
bool binary_read_value(struct binary_reader *r, uint32_t type,
                       struct region from, struct syntax_value *out);
bool binary_read_qualifiers(struct binary_reader *r, struct region from,
                            struct syntax_qualifiers *out);
/* The array's header; *from starts at its first element. */
bool binary_read_array(struct binary_reader *r, struct region *from,
                       uint32_t *count_out);

/* binary_method.c */
bool binary_read_methods(struct binary_reader *r, struct region from,
                         struct syntax_class *class);

/* binary_object.c */
struct binary_object {
    struct region all, qualifiers, properties, methods;
    bool has_qualifiers, is_instance;
};
bool binary_read_object(struct binary_reader *r, struct region all,
                        struct binary_object *out);
/* A property's or parameter's declaration.  What the format adds to the
 * qualifiers (CIMTYPE, MAX) is taken out of them. */
bool binary_read_declaration(struct binary_reader *r,
                             const struct binary_record *record,
                             struct syntax_property *out);
/* Takes the qualifier of that name out of the set. */
bool binary_take_qualifier(struct syntax_qualifiers *set, struct span name,
                           struct syntax_qualifier *out);
/* One object becomes a statement. */
bool binary_add_object(struct binary_reader *r, struct region all);

#endif
