#include "gateway/auth/gss_text.h"

#include <string.h>

#include "gateway/auth/auth.h"

const gss_OID_desc gss_mech_spnego_desc = {6,
                                           (void *)"\x2b\x06\x01\x05\x05\x02"};

static void
append(char *out, size_t size, const char *text, size_t length)
{
    size_t used = strlen(out);

    for (size_t i = 0; i < length && used + 1 < size; i++) {
        unsigned char c = (unsigned char)text[i];

        out[used++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    out[used] = '\0';
}

/* gss_display_status gives a line a call until its context is 0 again. */
static void
append_status(OM_uint32 status, int type, gss_OID mech, char *out, size_t size)
{
    OM_uint32 major, minor, context = 0;
    int lines = 0;

    do {
        gss_buffer_desc line = GSS_C_EMPTY_BUFFER;

        major =
            gss_display_status(&minor, status, type, mech, &context, &line);
        if (GSS_ERROR(major))
            return;
        if (out[0] != '\0')
            append(out, size, "; ", 2);
        append(out, size, line.value, line.length);
        gss_release_buffer(&minor, &line);
    } while (context != 0 && ++lines < 8);
}

void
gss_text_format(OM_uint32 major, OM_uint32 minor, gss_OID mech, char *out,
                size_t size)
{
    out[0] = '\0';
    append_status(major, GSS_C_GSS_CODE, GSS_C_NO_OID, out, size);
    if (minor != 0)
        append_status(minor, GSS_C_MECH_CODE, mech, out, size);
}

int
gss_text_error(OM_uint32 major, OM_uint32 minor, const char *what,
               struct error *err)
{
    char text[AUTH_CAUSE_MAX];

    gss_text_format(major, minor, GSS_C_NO_OID, text, sizeof(text));
    return error_set(err, "%s: %s", what, text);
}

int
krb5_text_error(krb5_context context, krb5_error_code code, const char *what,
                struct error *err)
{
    const char *text = krb5_get_error_message(context, code);

    error_set(err, "%s: %s", what, text);
    krb5_free_error_message(context, text);
    return -1;
}

#define OTHER_NAME                                                            \
    "the client asked for another service name than those of `acceptor`: "    \
    "use the host name that is in `acceptor` (it becomes HTTP/HOST), or add " \
    "the name to the keytab and to `acceptor`"

/* MIT's words; more telling ones first, the first that occurs counts. */
static const struct {
    const char *words;
    const char *remedy;
} remedies[] = {
    {"is a replay",
     "each request needs a fresh token: the client, or something between, "
     "sent this one twice"},
    {"Clock skew too great",
     "set the clocks of the client, the KDC and this host by NTP"},
    {"Ticket expired", "the client's ticket has ended: kinit again"},
    {"not yet valid",
     "the ticket begins in the future: set the clocks by NTP"},
    {"keytab is likely out of date",
     "the service's key was changed after the keytab was written: export the "
     "keytab again and reload; a client may also hold an old ticket: kinit "
     "again"},
    {"ticket is likely out of date",
     "the client holds a ticket from before the key was changed: kinit "
     "again"},
    {"not found in keytab", OTHER_NAME},
    {"Cannot find key for",
     "the client's ticket is for another version of the service's key: "
     "export the keytab again and reload; if the client holds an old ticket: "
     "kinit again"},
    {"Key table entry not found", OTHER_NAME},
    {"isn't for us", OTHER_NAME},
    {"Wrong principal in request", OTHER_NAME},
    {"cannot decrypt ticket",
     "the keytab's key is not the one the KDC used: export the keytab again, "
     "or the ticket is of another KDC with the same realm name"},
    {"Cannot decrypt ticket",
     "the keytab's key is not the one the KDC used: export the keytab again, "
     "or the ticket is of another KDC with the same realm name"},
    {"integrity check failed",
     "the token was damaged on its way, or the keytab's key is not the one "
     "the KDC used: export the keytab again, or the ticket is of another KDC "
     "with the same realm name"},
    {"Service key not available",
     "the keytab has no key of the ticket's encryption type: export the "
     "keytab again with all the service's keys and reload; if the client "
     "holds an old ticket: kinit again"},
    {"Token header is malformed",
     "the token was cut or changed on its way: does a proxy in between limit "
     "the length of headers?"},
    {"token was invalid",
     "the token was cut or changed on its way: does a proxy in between limit "
     "the length of headers?"},
    {"hannel bindings",
     "the client is bound to another TLS certificate: something between "
     "ends TLS, or a proxy's proxy_tls_certificate is not the one it shows"},
    {"ncryption type",
     "the ticket's encryption type is not permitted here: give the service "
     "AES keys (on AD: msDS-SupportedEncryptionTypes) and export the keytab "
     "again"},
    {"enctype",
     "the ticket's encryption type is not permitted here: give the service "
     "AES keys (on AD: msDS-SupportedEncryptionTypes) and export the keytab "
     "again"},
    {"Permission denied",
     "the replay cache can't be written: state_dir/rcache must be 0700 and "
     "owned by `user`"},
    {"No space left", "the disk with the replay cache is full"},
    {"No such file or directory",
     "the replay cache's directory state_dir/rcache is missing"},
};

/* One word behind prefix; absent: it is not there. */
static struct span
word_behind(const char *text, const char *prefix)
{
    const char *at = strstr(text, prefix);

    if (at == NULL)
        return (struct span){NULL, 0};
    at += strlen(prefix);
    return (struct span){at, strcspn(at, " ;")};
}

/* "Cannot decrypt ticket for host/gw@R using keytab key for HTTP/gw@R": a
 * keytab of one name is tried whatever the ticket is for. */
static bool
is_for_another(const char *text)
{
    struct span asked = word_behind(text, "decrypt ticket for ");
    struct span ours = word_behind(text, "using keytab key for ");

    return asked.length > 0 && ours.length > 0 && !span_equal(asked, ours);
}

const char *
gss_text_remedy(const char *text)
{
    if (is_for_another(text))
        return OTHER_NAME;
    for (size_t i = 0; i < ARRAY_COUNT(remedies); i++) {
        if (strstr(text, remedies[i].words) != NULL)
            return remedies[i].remedy;
    }
    return NULL;
}
