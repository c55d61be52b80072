#include "gateway/auth/principal.h"

#include <string.h>

static bool
has_control(struct span s)
{
    for (size_t i = 0; i < s.length; i++) {
        unsigned char c = (unsigned char)s.data[i];

        if (c < 0x20 || c == 0x7f)
            return true;
    }
    return false;
}

static bool
has_empty_component(struct span components)
{
    struct span rest = components;

    do {
        if (span_cut(rest, '/', &rest).length == 0)
            return true;
    } while (rest.data != NULL);
    return false;
}

static bool
has_outer_space(struct span s)
{
    return span_trim(s).length != s.length;
}

const char *
principal_objection(struct span name, size_t *realm_out)
{
    struct span realm, components = span_cut(name, '@', &realm);

    *realm_out = 0;
    if (name.length == 0)
        return "the client has no name";
    if (has_control(name))
        return "the client's name holds a control character";
    if (!utf8_is_valid(name))
        return "the client's name is not UTF-8";
    /* krb5 quotes '@', '/', NUL and white space of components with it. */
    if (memchr(name.data, '\\', name.length) != NULL)
        return "the client's name holds a quoted character";
    if (realm.length == 0 || memchr(realm.data, '@', realm.length) != NULL)
        return "the client's name is no principal of one realm";
    if (has_empty_component(components) || has_outer_space(components) ||
        has_outer_space(realm))
        return "the client's name has an empty part";
    *realm_out = (size_t)(realm.data - name.data);
    return NULL;
}

bool
principal_is_anonymous(struct span name)
{
    struct span realm;

    return span_equal(span_cut(name, '@', &realm),
                      SPAN("WELLKNOWN/ANONYMOUS"));
}
