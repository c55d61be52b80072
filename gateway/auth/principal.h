#ifndef GATEWAY_AUTH_PRINCIPAL_H
#define GATEWAY_AUTH_PRINCIPAL_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/base/base.h"

/*
 * A display name as krb5 writes it, which access lists may be compared with
 * byte for byte: components and a realm, one '@', nothing quoted, nothing
 * that could be read in two ways (CVE-2020-25717, CVE-2021-21335).  Spaces
 * inside and '/' are a name's own business; the whole name is compared.
 * Sets *realm_out to the offset of the realm.  NULL when it is good, else
 * static text saying what is wrong.
 */
const char *principal_objection(struct span name, size_t *realm_out);

/* RFC 8062 4: WELLKNOWN/ANONYMOUS of any realm. */
bool principal_is_anonymous(struct span name);

#endif
