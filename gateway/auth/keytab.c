#include "gateway/auth/keytab.h"

#include <errno.h>
#include <profile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/auth/gss_text.h"

#define DEFAULT_CLOCK_SKEW 300 /* krb5.conf(5), clockskew */

static struct span
span_of_data(const krb5_data *data)
{
    return (struct span){data->data, data->length};
}

/* The service as written, the host without ASCII case (RFC 4120 6.2.1). */
static bool
principal_matches(krb5_const_principal principal, struct span name)
{
    struct span host, service = span_cut(name, '@', &host);

    return principal->length == 2 &&
           span_equal(span_of_data(&principal->data[0]), service) &&
           span_equal_nocase(span_of_data(&principal->data[1]), host);
}

static bool
is_ours(krb5_const_principal principal, const char *const *names, size_t count)
{
    if (names == NULL)
        return true;
    for (size_t i = 0; i < count; i++) {
        if (principal_matches(principal, span_of(names[i])))
            return true;
    }
    return false;
}

/* What the loading has found so far. */
struct load {
    struct keytab *keytab;
    krb5_principal first; /* the first key's */
    struct buf description;
};

static int
describe_entry(struct load *load, const krb5_keytab_entry *entry,
               struct error *err)
{
    krb5_context context = load->keytab->context;
    char *name = NULL, enctype[64];
    krb5_error_code code;

    code = krb5_unparse_name(context, entry->principal, &name);
    if (code != 0)
        return krb5_text_error(context, code, "keytab", err);
    if (krb5_enctype_to_name(entry->key.enctype, 0, enctype,
                             sizeof(enctype)) != 0)
        snprintf(enctype, sizeof(enctype), "enctype %d",
                 (int)entry->key.enctype);
    buf_addf(&load->description, "%s%s kvno %u %s",
             load->description.length == 0 ? "" : ", ", name,
             (unsigned)entry->vno, enctype);
    krb5_free_unparsed_name(context, name);
    return 0;
}

static int
take_entry(struct load *load, krb5_keytab_entry *entry, struct error *err)
{
    krb5_context context = load->keytab->context;
    krb5_error_code code;

    code = krb5_kt_add_entry(context, load->keytab->memory, entry);
    if (code != 0)
        return krb5_text_error(context, code, "MEMORY: keytab", err);
    if (load->first == NULL) {
        code = krb5_copy_principal(context, entry->principal, &load->first);
        if (code != 0)
            return krb5_text_error(context, code, "keytab", err);
    } else if (!krb5_principal_compare(context, load->first, entry->principal))
    {
        load->keytab->several = true;
    }
    return describe_entry(load, entry, err);
}

static int
copy_entries(struct load *load, krb5_keytab file, const char *const *names,
             size_t count, struct error *err)
{
    krb5_context context = load->keytab->context;
    krb5_kt_cursor cursor;
    krb5_keytab_entry entry;
    krb5_error_code code;
    int result = 0;

    code = krb5_kt_start_seq_get(context, file, &cursor);
    if (code != 0)
        return krb5_text_error(context, code, "not a keytab", err);
    while (result == 0 &&
           (code = krb5_kt_next_entry(context, file, &entry, &cursor)) == 0)
    {
        if (is_ours(entry.principal, names, count))
            result = take_entry(load, &entry, err);
        krb5_free_keytab_entry_contents(context, &entry);
    }
    krb5_kt_end_seq_get(context, file, &cursor);
    if (result == 0 && code != KRB5_KT_END)
        return krb5_text_error(context, code, "keytab is damaged", err);
    return result;
}

static int
set_identity(struct load *load, const char *const *names, struct error *err)
{
    struct keytab *k = load->keytab;
    krb5_error_code code;

    if (load->first == NULL)
        return error_set(err, "keytab holds no key%s",
                         names != NULL ? " for any acceptor name" : "");
    code = krb5_unparse_name(k->context, load->first, &k->principal);
    if (code != 0)
        return krb5_text_error(k->context, code, "keytab", err);
    k->realm = strndup(load->first->realm.data, load->first->realm.length);
    k->description = buf_take(&load->description);
    if (k->realm == NULL || k->description == NULL)
        return error_set_errno(err, ENOMEM, "keytab");
    return 0;
}

/* Accepting takes tickets until their end plus this. */
static void
read_clock_skew(struct keytab *k)
{
    struct _profile_t *profile = NULL;

    k->clock_skew_seconds = DEFAULT_CLOCK_SKEW;
    if (krb5_get_profile(k->context, &profile) != 0)
        return;
    if (profile_get_integer(profile, "libdefaults", "clockskew", NULL,
                            DEFAULT_CLOCK_SKEW, &k->clock_skew_seconds) != 0)
        k->clock_skew_seconds = DEFAULT_CLOCK_SKEW;
    profile_release(profile);
}

/* krb5 reads no descriptor, but a path that leads to it.  The kernel lets a
 * process through its own /proc/self/fd even when it is not dumpable. */
static int
open_file_keytab(krb5_context context, int fd, krb5_keytab *file_out,
                 struct error *err)
{
    char path[64];
    struct stat st;
    krb5_error_code code;

    *file_out = NULL;
    if (fstat(fd, &st) < 0)
        return error_set_errno(err, errno, "keytab");
    if (!S_ISREG(st.st_mode))
        return error_set(err, "keytab is not a regular file");
    if (st.st_size == 0)
        return error_set(err, "keytab is empty");
    snprintf(path, sizeof(path), "FILE:/proc/self/fd/%d", fd);
    code = krb5_kt_resolve(context, path, file_out);
    return code == 0 ? 0 : krb5_text_error(context, code, "keytab", err);
}

static int
open_memory_keytab(struct keytab *k, struct error *err)
{
    static unsigned long number;
    krb5_error_code code;

    snprintf(k->name, sizeof(k->name), "MEMORY:nsgate.%ld.%lu", (long)getpid(),
             ++number);
    code = krb5_kt_resolve(k->context, k->name, &k->memory);
    return code == 0 ? 0 : krb5_text_error(k->context, code, "keytab", err);
}

int
keytab_load(int fd, const char *const *names, size_t count,
            struct keytab **out, struct error *err)
{
    struct load load = {NULL, NULL, BUF_INIT};
    krb5_keytab file = NULL;
    struct keytab *k;
    int result = -1;

    *out = NULL;
    k = load.keytab = calloc(1, sizeof(*k));
    if (k == NULL)
        return error_set_errno(err, ENOMEM, "keytab");
    if (krb5_init_context(&k->context) != 0) {
        error_set(err, "Kerberos does not start: is krb5.conf well-formed "
                       "and readable?");
        goto out;
    }
    read_clock_skew(k);
    if (open_file_keytab(k->context, fd, &file, err) < 0 ||
        open_memory_keytab(k, err) < 0 ||
        copy_entries(&load, file, names, count, err) < 0 ||
        set_identity(&load, names, err) < 0)
        goto out;
    *out = k;
    k = NULL;
    result = 0;
out:
    buf_fini(&load.description);
    if (file != NULL)
        krb5_kt_close(load.keytab->context, file);
    if (load.first != NULL)
        krb5_free_principal(load.keytab->context, load.first);
    keytab_free(k);
    return result;
}

void
keytab_free(struct keytab *k)
{
    if (k == NULL)
        return;
    if (k->principal != NULL)
        krb5_free_unparsed_name(k->context, k->principal);
    free(k->realm);
    free(k->description);
    /* Counted: gone when the credential's reference is gone too. */
    if (k->memory != NULL)
        krb5_kt_close(k->context, k->memory);
    if (k->context != NULL)
        krb5_free_context(k->context);
    free(k);
}
