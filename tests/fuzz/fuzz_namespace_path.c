/*
 * Any text as a namespace: what is taken has one canonical form, whichever
 * way it is written again.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
    if (!condition)
        abort();
}

static void
form_check(const struct namespace_path *path)
{
    struct span text = namespace_path_span(path);

    require(text.length >= 4 && text.length <= NAMESPACE_PATH_MAX);
    require(strlen(path->text) == text.length);
    require(span_equal(text, SPAN("root")) ||
            span_starts_nocase(text, SPAN("root\\")));
    require(text.data[text.length - 1] != '\\');
    require(strstr(path->text, "\\\\") == NULL);
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];

        require((unsigned char)c > ' ' && c != '/' && c != '.' && c != '%');
        require(!(c >= 'A' && c <= 'Z'));
    }
}

static void
again_check(const struct namespace_path *path)
{
    char url[NAMESPACE_PATH_MAX + 1], shown[NAMESPACE_PATH_MAX + 1];
    struct namespace_path again, parent, child;

    require(namespace_path_parse(&again, namespace_path_span(path), NULL) ==
            NAMESPACE_PATH_OK);
    require(namespace_path_equal(path, &again));
    namespace_path_to_url(path, url);
    require(namespace_path_from_url(&again, span_of(url)));
    require(namespace_path_equal(path, &again));
    namespace_path_display(namespace_path_span(path), shown);
    require(strcmp(shown, path->text) == 0);
    if (!namespace_path_parent(path, &parent)) {
        require(span_equal(namespace_path_span(path), SPAN("root")));
        return;
    }
    form_check(&parent);
    require(namespace_path_child(&parent, namespace_path_name(path), &child));
    require(namespace_path_equal(path, &child));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size};
    char shown[NAMESPACE_PATH_MAX + 1];
    struct namespace_path path, again, root, child;
    struct error err = {0};

    if (namespace_path_parse(&path, text, &err) == NAMESPACE_PATH_OK) {
        form_check(&path);
        again_check(&path);
        namespace_path_display(text, shown);
        require(namespace_path_parse(&again, span_of(shown), NULL) ==
                NAMESPACE_PATH_OK);
        require(namespace_path_equal(&path, &again));
    } else {
        require(path.length == 0 && err.text[0] != '\0');
    }
    if (namespace_path_from_url(&path, text)) {
        form_check(&path);
        again_check(&path);
    }
    require(namespace_path_parse(&root, SPAN("root"), NULL) ==
            NAMESPACE_PATH_OK);
    if (namespace_path_child(&root, text, &child)) {
        form_check(&child);
        again_check(&child);
    }
    return 0;
}
