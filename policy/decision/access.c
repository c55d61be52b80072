#include "policy/decision/decision.h"

static bool
has_control(struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c < 0x20 || c == 0x7f)
            return true;
    }
    return false;
}

/*
 * The realm of a principal as GSSAPI shows it: what stands behind its only
 * unescaped '@' (RFC 1964 2.1.1 escapes one inside a component as "\@").
 * Absent if the text is not exactly one name and one realm, so that
 * "a@B@EVIL" and names with control characters belong to nobody (threat 11).
 */
static struct span
principal_realm(struct span principal)
{
    const struct span none = {NULL, 0};
    size_t at = 0;

    if (has_control(principal))
        return none;
    for (size_t i = 0; i < principal.length; i++) {
        char c = principal.data[i];

        if (c == '\\' && at == 0)
            i++;
        else if (c == '\\')
            return none;
        else if (c == '@' && (at != 0 || i == 0))
            return none;
        else if (c == '@')
            at = i;
    }
    if (at == 0 || at + 1 == principal.length)
        return none;
    return span_skip(principal, at + 1);
}

static bool
row_allows(struct span row, struct span principal, struct span realm)
{
    if (row.length > 2 && row.data[0] == '*' && row.data[1] == '@')
        return span_equal(span_skip(row, 2), realm);
    return span_equal(row, principal);
}

bool
access_list_allows(const struct access_list *list, struct span principal)
{
    struct span realm = principal_realm(principal);

    if (realm.data == NULL)
        return false;
    for (size_t i = 0; i < list->count; i++) {
        if (row_allows(span_of(list->principals[i]), principal, realm))
            return true;
    }
    return false;
}
