#ifndef POLICY_MOF_BINARY_WRITER_H
#define POLICY_MOF_BINARY_WRITER_H

#include "policy/mof/binary.h"

/*
 * From the statements of a compile to binary MOF.  What the format is known
 * to hold is written; for anything else an error says what and where, so
 * that all of it is told in one run, and nothing comes of it.
 */
struct binary_writer {
    struct mof_compilation *c;
    struct source *source; /* of the statement */
    struct buf out;        /* the unpacked data */
    struct buf flavors;    /* { offset, bits }... */
    uint32_t flavor_count;
    bool is_told;                          /* what it can't hold was said */
    bool has_namespace;                    /* a pragma was met */
    const struct syntax_statement *pragma; /* one that nothing followed yet */
};

/* "the format can't hold WHAT"; false always. */
bool writer_refuse(struct binary_writer *w, uint32_t offset, uint32_t width,
                   const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* binary_write_value.c: numbers, text and their containers */
void writer_number(struct binary_writer *w, uint32_t number);
/* Leaves room for a number; what goes there later. */
size_t writer_reserve(struct binary_writer *w);
void writer_patch(struct binary_writer *w, size_t at, uint32_t number);
/* Puts the bytes since `from` into the number at `at`. */
void writer_patch_length(struct binary_writer *w, size_t at, size_t from);
void writer_text(struct binary_writer *w, struct span text);

/* The number of a value's type and its bytes.  Those of a property with a
 * declared type are told with it; CIM_NONE: as they are written. */
uint32_t writer_value_type(const struct syntax_value *v);
void writer_value(struct binary_writer *w, const struct syntax_value *v);
/* NULL if the format holds it, else what it is. */
const char *writer_value_problem(const struct syntax_value *v);

/* A list under construction. */
struct writer_list {
    size_t at;
    uint32_t count;
};
struct writer_list writer_list_begin(struct binary_writer *w);
void writer_list_end(struct binary_writer *w, const struct writer_list *list);

/* One qualifier, and its flavors. */
void writer_qualifier(struct binary_writer *w, struct writer_list *list,
                      struct span name, const struct syntax_value *value,
                      uint32_t flavors);
/* Those of a set, but the one called `without` if it says TRUE. */
void writer_qualifiers(struct binary_writer *w, struct writer_list *list,
                       const struct syntax_qualifiers *set,
                       const char *without);

/* binary_write_method.c */
void writer_method(struct binary_writer *w, const struct syntax_method *m);

/* binary_write_object.c */
/* Where a record's parts begin. */
struct writer_record {
    size_t start;
};
struct writer_record writer_record_begin(struct binary_writer *w,
                                         uint32_t type, struct span name);
void writer_record_value(struct binary_writer *w,
                         const struct writer_record *r);
/* The qualifiers begin: what the format adds comes behind them. */
void writer_record_qualifiers(struct binary_writer *w,
                              const struct writer_record *r);
void writer_record_end(struct binary_writer *w, const struct writer_record *r);
/* A property of the object itself: a text. */
void writer_self(struct binary_writer *w, struct writer_list *list,
                 const char *name, struct span text);
/* MAX and CIMTYPE; id < 0: none. */
void writer_declaration(struct binary_writer *w,
                        const struct syntax_property *p, const char *without,
                        int64_t id);
void writer_object(struct binary_writer *w, const struct syntax_statement *st);

#endif
