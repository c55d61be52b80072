/*
 * cimxml_request_parse: a first line that is CIMMethod, a second that is
 * CIMObject, and a message.  Whatever is accepted is looked at once more, as a
 * tree: it holds one call of that method, and all that it has of namespaces
 * where a server looks for one is the namespace that was found.
 */
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cimxml/cimxml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
    if (!ok)
        abort();
}

static bool
is_named(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE &&
           strcmp((const char *)node->name, name) == 0;
}

/* Path by path through single elements, the rest of the siblings aside. */
static const xmlNode *
only_child(const xmlNode *parent, const char *name)
{
    const xmlNode *found = NULL;

    for (const xmlNode *n = parent->children; n != NULL; n = n->next) {
        if (is_named(n, name)) {
            check(found == NULL);
            found = n;
        }
    }
    return found;
}

static void
check_attribute(const xmlNode *node, const char *name, const char *value)
{
    xmlChar *text = xmlGetNoNsProp(node, (const xmlChar *)name);

    check(text != NULL && strcmp((const char *)text, value) == 0);
    xmlFree(text);
}

static void
check_namespace_path(const xmlNode *parent, const struct cimxml_request *q)
{
    const xmlNode *path = only_child(parent, "LOCALNAMESPACEPATH");
    struct namespace_path found;
    struct buf text = BUF_INIT;

    check(path != NULL);
    for (const xmlNode *n = path->children; n != NULL; n = n->next) {
        xmlChar *name;

        if (n->type != XML_ELEMENT_NODE)
            continue;
        check(is_named(n, "NAMESPACE"));
        name = xmlGetNoNsProp(n, (const xmlChar *)"NAME");
        check(name != NULL);
        buf_addf(&text, "%s%s", text.length > 0 ? "/" : "", (char *)name);
        xmlFree(name);
    }
    check(namespace_path_from_url(&found, buf_span(&text)));
    check(namespace_path_equal(&found, &q->namespace));
    buf_fini(&text);
}

static void
check_tree(struct span body, const struct cimxml_request *q)
{
    static const char *const path[] = {"MESSAGE", "SIMPLEREQ"};
    xmlDocPtr doc = xmlReadMemory(body.data, (int)body.length, NULL, NULL,
                                  XML_PARSE_NONET | XML_PARSE_NOERROR |
                                      XML_PARSE_NOWARNING);
    const xmlNode *node, *call, *inside;

    check(doc != NULL && doc->intSubset == NULL);
    node = xmlDocGetRootElement(doc);
    check(is_named(node, "CIM"));
    for (size_t i = 0; i < ARRAY_COUNT(path); i++) {
        node = only_child(node, path[i]);
        check(node != NULL);
    }
    call = only_child(node, "IMETHODCALL");
    check((call != NULL) == q->intrinsic);
    check((only_child(node, "METHODCALL") != NULL) != q->intrinsic);
    if (!q->intrinsic)
        call = only_child(node, "METHODCALL");
    check_attribute(call, "NAME", q->method);
    inside = call;
    if (!q->intrinsic) {
        const xmlNode *class_path = only_child(call, "LOCALCLASSPATH");
        const xmlNode *path_of = only_child(call, "LOCALINSTANCEPATH");

        check((class_path != NULL) != (path_of != NULL));
        inside = class_path != NULL ? class_path : path_of;
    }
    check_namespace_path(inside, q);
    xmlFreeDoc(doc);
}

/* What a server is told is read as the same again. */
static void
check_object(const struct cimxml_headers *headers, struct span body,
             const struct cimxml_request *q)
{
    struct cimxml_headers again = *headers;
    struct cimxml_request *other = malloc(sizeof(*other));
    struct buf object = BUF_INIT;

    check(other != NULL && cimxml_object_format(q, &object));
    again.object.value = buf_span(&object);
    check(cimxml_request_parse(&again, body, other));
    check(namespace_path_equal(&other->namespace, &q->namespace));
    check(strcmp(other->object, q->object) == 0 && other->read == q->read);
    buf_fini(&object);
    free(other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    struct cimxml_request *q = malloc(sizeof(*q));
    struct cimxml_headers headers = {
        .operation = {SPAN("MethodCall"), 1},
        .method = {{NULL, 0}, 1},
        .object = {{NULL, 0}, 1},
    };
    struct span body = {copy, size};

    check(copy != NULL && q != NULL);
    memcpy(copy, data, size);
    copy[size] = '\0';
    headers.method.value = span_cut(body, '\n', &body);
    headers.object.value = span_cut(body, '\n', &body);
    if (cimxml_request_parse(&headers, body, q)) {
        check(q->status == 0 && q->problem == NULL && q->error == NULL);
        check(q->namespace.length >= 4 && q->method[0] != '\0');
        check(q->intrinsic == (q->object[0] == '\0'));
        check(q->intrinsic || !q->read);
        check_tree(body, q);
        check_object(&headers, body, q);
    } else {
        check(q->status >= 400 && q->problem != NULL);
        check(q->namespace.length == 0 && q->method[0] == '\0' && !q->read);
    }
    cimxml_content_type_is_good((struct span){copy, size});
    free(copy);
    free(q);
    return 0;
}
