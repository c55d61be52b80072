#ifndef GATEWAY_WSMAN_READER_H
#define GATEWAY_WSMAN_READER_H

#include "gateway/wsman/envelope.h"
#include "gateway/xml/xml.h"

/* An envelope on its way; envelope.c has its shape, header.c the headers. */

#define VALUE_MAX 255

struct header_row;

/* Text that is being collected from one element. */
struct capture {
    char *text; /* NULL: none is */
    size_t length, max;
    int depth;
    bool exact; /* a selector's: white space counts, and it may be an endpoint
                   reference, which no key is here */
};

struct reader {
    struct envelope *out;
    int depth;
    bool in_header, in_body, header_seen, body_seen;
    const struct header_row *header; /* at depth 3 and below; NULL: unknown */
    size_t body_children;
    int part; /* of the body, at depth 4 and below; -1: none */
    bool parts_seen[BODY_PARTS_MAX];
    struct capture capture;
    char value[VALUE_MAX + 1]; /* of a header or a part that is read here */
    bool address_seen;
};

void reader_refuse(struct reader *r, enum wsman_fault_kind fault,
                   const char *problem);
/* What is asked for is understood, and not there. */
void reader_refuse_later(struct reader *r, enum wsman_fault_kind fault,
                         const char *problem);
bool reader_is_name(const char *namespace, const char *name, const char *ns,
                    const char *local);

/* Collects the text of the element that begins now. */
void capture_begin(struct reader *r, char *text, size_t max);
void capture_add(struct reader *r, struct span text);
void capture_end(struct reader *r);

/* -- header.c: an element at depth 3 of the Header, and what is in it -------- */

void header_begin(struct reader *r, const char *namespace, const char *name,
                  const struct xml_attributes *a);
void header_child(struct reader *r, const char *namespace, const char *name,
                  const struct xml_attributes *a);
void header_end(struct reader *r);
/* Whether text has no place in it. */
bool header_is_element_content(const struct header_row *row);

#endif
