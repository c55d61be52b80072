#include "gateway/ctl/doctor.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include "gateway/auth/auth.h"
#include "gateway/sys/sys.h"

/* Before this the clock was never set (2024-01-01). */
#define CLOCK_EARLIEST_US 1704067200000000LL

#define CLIENT_KEYTAB_MAX (16u << 20)

/* "HTTP@gw" of the configuration as "HTTP/gw@" of a keytab entry. */
static bool
name_is_described(const char *name, const char *description)
{
    char wanted[300];
    const char *at = strchr(name, '@');

    if (at == NULL)
        return strstr(description, name) != NULL;
    snprintf(wanted, sizeof(wanted), "%.*s/%s@", (int)(at - name), name,
             at + 1);
    return strstr(description, wanted) != NULL;
}

static void
look_at_keys(struct doctor *d)
{
    const struct config *c = d->config;
    struct acceptor *acceptor = NULL;
    struct error err = {0, ""};
    const char *text;

    if (ctl_acceptor_open(c, &acceptor, &err) != 0) {
        doctor_say(d, doctor_unseen(-err.code), "keytab",
                   err.code == -EACCES
                       ? "Run doctor as root"
                       : "Extract the key of the acceptor's name again "
                         "(kadmin ktadd, ipa-getkeytab, ktpass)",
                   "%s", err.text);
        return;
    }
    text = acceptor_describe(acceptor);
    doctor_say(d, FINDING_OK, "keytab", NULL, "%s: %s", c->keytab, text);
    for (size_t i = 0; i < c->acceptor_count; i++)
        if (!name_is_described(c->acceptors[i], text))
            doctor_say(d, FINDING_WARN, "keytab",
                       "Add its key, or take the name out of acceptor",
                       "no key for %s", c->acceptors[i]);
    if (strstr(text, "arcfour") != NULL || strstr(text, "des") != NULL)
        doctor_say(d, FINDING_WARN, "keytab",
                   "Give the service AES keys and remove the others",
                   "it holds keys of a broken cipher");
    acceptor_free(acceptor);
}

void
doctor_keytab(struct doctor *d)
{
    const char *path = d->config->keytab;
    struct stat st;

    if (stat(path, &st) != 0) {
        doctor_say(d, doctor_unseen(errno), "keytab",
                   "See keytab in nsgate.conf, and run doctor as root",
                   "%s: %s", path, strerror(errno));
        return;
    }
    if ((st.st_mode & 022) != 0)
        doctor_say(d, FINDING_FAIL, "keytab", "chmod 600, chown root",
                   "%s may be written by others, mode %04o", path,
                   (unsigned)st.st_mode & 07777);
    else if ((st.st_mode & S_IROTH) != 0)
        doctor_say(d, FINDING_FAIL, "keytab",
                   "chmod 600, and change the keys: who read them can be "
                   "the service",
                   "%s may be read by every user, mode %04o", path,
                   (unsigned)st.st_mode & 07777);
    else if ((st.st_mode & S_IRGRP) != 0)
        doctor_say(d, FINDING_WARN, "keytab",
                   "The master alone reads it: chmod 600",
                   "%s may be read by group %u", path, (unsigned)st.st_gid);
    look_at_keys(d);
}

/* Clients make the service's name from the host they connect to. */
void
doctor_names(struct doctor *d)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const char *host;
    int code;

    for (size_t i = 0; i < d->config->acceptor_count; i++) {
        host = strchr(d->config->acceptors[i], '@');
        if (host == NULL)
            continue;
        code = getaddrinfo(++host, NULL, &hints, &found);
        if (code != 0)
            doctor_say(d, FINDING_WARN, "names",
                       "Clients must be able to resolve it", "%s: %s", host,
                       gai_strerror(code));
        else
            doctor_say(d, FINDING_OK, "names", NULL, "%s resolves", host);
        if (code == 0)
            freeaddrinfo(found);
    }
}

static struct client_credential *
client_open(struct doctor *d)
{
    const struct config_callback *c = &d->config->callback;
    struct client_credential *credential = NULL;
    struct error err = {0, ""};
    int fd = memory_file_read(c->client_keytab, CLIENT_KEYTAB_MAX, &err);

    if (fd >= 0) {
        if (client_credential_new(fd, c->client_principal, &credential, &err) <
            0)
            error_prefix(&err, "%s", c->client_keytab);
        close(fd);
    }
    if (credential == NULL)
        doctor_say(d, doctor_unseen(-err.code), "client keytab",
                   err.code == -EACCES
                       ? "Run doctor as root"
                       : "Extract the key of client_principal again",
                   "%s", err.text);
    return credential;
}

static void
look_at_ticket(struct doctor *d, const struct client_credential *credential,
               const char *service)
{
    struct buf bytes = BUF_INIT;
    struct ticket_times times;
    struct error err = {0, ""};
    char end[CLOCK_TEXT_MAX];

    if (client_credential_ticket(credential, service, &bytes, &times, &err) <
        0) {
        doctor_say(d, FINDING_FAIL, "ticket",
                   "Look at the KDC, at the account of client_keytab, and "
                   "whether the service is known by this name "
                   "(upstream_principal)",
                   "%s: %s", client_credential_principal(credential),
                   err.text);
    } else {
        clock_format(times.ends_us, end);
        doctor_say(d, FINDING_OK, "ticket", NULL, "%s for %s, until %s",
                   client_credential_principal(credential), service, end);
    }
    secret_fini(&bytes);
}

/* What the clerk does, where the gateway signs in to servers behind it. */
void
doctor_tickets(struct doctor *d)
{
    struct client_credential *credential;
    const char **services;
    size_t count;

    if (!config_signs_in(d->config))
        return;
    credential = client_open(d);
    services = config_services(d->config, &count);
    for (size_t i = 0; credential != NULL && services != NULL && i < count;
         i++)
        look_at_ticket(d, credential, services[i]);
    free(services);
    client_credential_free(credential);
}

/* Kerberos allows 300 s between client, KDC and service (RFC 4120 1.3); what
 * can be seen here is whether something keeps this clock right. */
void
doctor_clock(struct doctor *d)
{
    struct timex t = {.modes = 0};
    char now[CLOCK_TEXT_MAX];
    int state = adjtimex(&t);

    clock_format(clock_now_us(), now);
    if (clock_now_us() < CLOCK_EARLIEST_US)
        doctor_say(d, FINDING_FAIL, "clock", "Set it", "it says %s", now);
    else if (state == -1 || state == TIME_ERROR ||
             (t.status & STA_UNSYNC) != 0)
        doctor_say(d, FINDING_WARN, "clock",
                   "Run chrony or systemd-timesyncd: more than 300 s off "
                   "and no ticket is accepted",
                   "%s, and nothing keeps it right", now);
    else
        doctor_say(d, FINDING_OK, "clock", NULL, "%s, synchronised", now);
}
