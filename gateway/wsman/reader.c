#include "gateway/wsman/reader.h"

#include <string.h>

void
reader_refuse(struct reader *r, enum wsman_fault_kind fault,
              const char *problem)
{
    if (r->out->problem != NULL)
        return;
    r->out->fault = fault;
    r->out->problem = problem;
}

void
reader_refuse_later(struct reader *r, enum wsman_fault_kind fault,
                    const char *problem)
{
    if (r->out->later.problem == NULL)
        r->out->later = (struct wsman_refusal){fault, problem};
}

bool
reader_is_name(const char *namespace, const char *name, const char *ns,
               const char *local)
{
    return strcmp(namespace, ns) == 0 && strcmp(name, local) == 0;
}

/* -- captured text -------------------------------------------------------- */

void
capture_begin(struct reader *r, char *text, size_t max)
{
    r->capture = (struct capture){
        .text = text,
        .max = max,
        .depth = r->depth,
    };
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* XML Schema part 2 4.3.6: white space around a URI does not count. */
void
capture_end(struct reader *r)
{
    struct capture *c = &r->capture;
    size_t first = 0;

    while (!c->exact && c->length > 0 && is_space(c->text[c->length - 1]))
        c->length--;
    while (!c->exact && first < c->length && is_space(c->text[first]))
        first++;
    memmove(c->text, c->text + first, c->length - first);
    c->text[c->length - first] = '\0';
    if (c->exact)
        r->out->selectors.used += c->length + 1;
    c->text = NULL;
}

void
capture_add(struct reader *r, struct span text)
{
    struct capture *c = &r->capture;

    if (text.length > c->max - c->length) {
        reader_refuse(r, WSMAN_FAULT_ENCODING, "a value is too long");
        c->length = c->max = 0; /* rather none than a part of it */
        return;
    }
    memcpy(c->text + c->length, text.data, text.length);
    c->length += text.length;
}
