/* wsman_request_parse: what is accepted is complete, what is refused says
 * why and nothing else; and whatever came in, the fault that answers it is
 * an envelope that is understood.  What both readings accept is about one
 * namespace. */
#include <libxml/parser.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/wsman/wsman.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
    if (!ok)
        abort();
}

static void
check_well_formed(const struct buf *xml)
{
    xmlDocPtr doc = xmlReadMemory(xml->data, (int)xml->length, NULL, NULL,
                                  XML_PARSE_NONET | XML_PARSE_NOERROR |
                                      XML_PARSE_NOWARNING);

    check(doc != NULL);
    xmlFreeDoc(doc);
}

static void
check_selectors(const struct wsman_selectors *set)
{
    check(set->count <= WSMAN_SELECTORS_MAX);
    for (size_t i = 0; i < set->count; i++) {
        const struct wsman_selector *s = &set->items[i];

        check(s->name < s->value && s->value < sizeof(set->text));
        check(strlen(set->text + s->name) == s->value - s->name - 1);
        check(memchr(set->text + s->value, '\0',
                     sizeof(set->text) - s->value) != NULL);
    }
}

static void
check_accepted(const struct wsman_request *r)
{
    check(r->charset != XML_CHARSET_UNKNOWN);
    check(r->problem == NULL);
    if (r->operation == WSMAN_IDENTIFY) {
        check(r->namespace.length == 0 && r->action[0] == '\0');
        check(r->access == WSMAN_ACCESS_DISCOVER);
        return;
    }
    check_selectors(&r->selectors);
    check(r->enumeration.max_elements > 0 && r->enumeration.after >= 0);
    check(r->access != WSMAN_ACCESS_DISCOVER);
    check(r->namespace.length >= 4 && r->class_name[0] != '\0');
    check(r->action[0] != '\0' && r->resource_uri[0] != '\0');
    check(r->message_id[0] != '\0');
    check((r->operation == WSMAN_INVOKE) == (r->method[0] != '\0'));
}

static void
check_refused(const struct wsman_request *r)
{
    check(r->problem != NULL && r->problem[0] != '\0');
    check(r->operation == WSMAN_OTHER && r->namespace.length == 0);
    check(r->class_name[0] == '\0' && r->action[0] == '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    struct wsman_fault f = {.machine = copy, .detail = copy, .action = copy};
    struct buf out = BUF_INIT;
    const struct wsman_content_type told = {XML_CHARSET_UNKNOWN, {NULL, 0}};
    struct wsman_content_type type;
    struct wsman_request r, forwarded;

    if (copy == NULL)
        return 0;
    memcpy(copy, data, size);
    copy[size] = '\0';
    if (wsman_content_type_parse((struct span){copy, size}, &type))
        check(type.action.length < size);
    if (wsman_request_parse((struct span){copy, size}, &told, &r) ==
        WSMAN_PARSE_OK)
        check_accepted(&r);
    else
        check_refused(&r);
    if (wsman_forwarded_parse((struct span){copy, size}, &told, &forwarded) ==
        WSMAN_PARSE_OK)
    {
        check_accepted(&forwarded);
        check(r.problem != NULL ||
              (namespace_path_equal(&r.namespace, &forwarded.namespace) &&
               r.access == forwarded.access));
    } else {
        check_refused(&forwarded);
    }
    f.kind = r.problem != NULL ? r.fault : WSMAN_FAULT_ACTION;
    f.message_id = r.message_id;
    check(wsman_fault_format(&f, &out));
    check_well_formed(&out);
    buf_fini(&out);
    free(copy);
    return 0;
}
