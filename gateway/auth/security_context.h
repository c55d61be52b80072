#ifndef GATEWAY_AUTH_SECURITY_CONTEXT_H
#define GATEWAY_AUTH_SECURITY_CONTEXT_H

#include <gssapi/gssapi.h>

#include "gateway/auth/auth.h"

/* Takes *context, which must be established, and leaves GSS_C_NO_CONTEXT
 * there.  NULL: out of memory, and *context is still the caller's. */
struct security_context *security_context_new(gss_ctx_id_t *context,
                                              OM_uint32 flags,
                                              int64_t expires_us);

/* For tests: a context that gss_export_sec_context wrote, which needs
 * neither KDC nor keytab; flags and end are not in it. */
int security_context_import(struct span exported, OM_uint32 flags,
                            int64_t expires_us, struct security_context **out,
                            struct error *err);

#endif
