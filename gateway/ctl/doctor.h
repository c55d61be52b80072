#ifndef GATEWAY_CTL_DOCTOR_H
#define GATEWAY_CTL_DOCTOR_H

#include <stddef.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>

#include "gateway/config/config.h"
#include "gateway/ctl/ctl.h"
#include "gateway/sys/sys.h"

/*
 * The checks of `nsgatectl doctor`.  Each says one line a finding: OK, WARN
 * or FAIL, what was looked at, what was found, and for the last two what to
 * do.  A check that cannot look says so as WARN; it never guesses OK.
 */
enum finding {
    FINDING_FAIL = 0,
    FINDING_WARN,
    FINDING_OK,
};

struct doctor {
    const struct ctl *ctl;
    struct ctl_paths paths;
    const struct config *config; /* NULL: could not be loaded */
    const cJSON *status;         /* of the running gateway; NULL: none */
    bool hidden;                 /* whether one runs could not be asked */
    FILE *out;
    size_t warnings, failures;
};

/* remedy: what to do, one sentence; NULL with OK. */
void doctor_say(struct doctor *d, enum finding f, const char *what,
                const char *remedy, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* FAIL, or for EACCES WARN: it could not be looked at. */
enum finding doctor_unseen(int errnum);

/* As far as a file's own permissions tell. */
bool doctor_may_read(const struct stat *st, const struct account *who);

void doctor_keytab(struct doctor *d);
void doctor_names(struct doctor *d);
void doctor_tickets(struct doctor *d);
void doctor_clock(struct doctor *d);
void doctor_state_dir(struct doctor *d);
void doctor_runtime_dir(struct doctor *d);
void doctor_rcache(struct doctor *d);
void doctor_repository(struct doctor *d);
void doctor_events(struct doctor *d);
void doctor_certificates(struct doctor *d);
void doctor_listeners(struct doctor *d);
void doctor_routes(struct doctor *d);

/* One certificate file, its key (NULL: not looked at) and the host name that
 * must match (NULL: any). */
void doctor_certificate(struct doctor *d, const char *certificate,
                        const char *key, const char *host, int64_t now_s);

#endif
