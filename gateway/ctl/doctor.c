#include "gateway/ctl/doctor.h"

#include <errno.h>
#include <stdarg.h>

void
doctor_say(struct doctor *d, enum finding f, const char *what,
           const char *remedy, const char *format, ...)
{
    static const char *const words[] = {[FINDING_FAIL] = "FAIL",
                                        [FINDING_WARN] = "WARN",
                                        [FINDING_OK] = "OK  "};
    char text[ERROR_TEXT_MAX + 512];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    fprintf(d->out, "%s  %s: ", words[f], what);
    ctl_print_text(d->out, span_of(text), false);
    if (remedy != NULL)
        fprintf(d->out, ". %s", remedy);
    fputc('\n', d->out);
    d->failures += f == FINDING_FAIL;
    d->warnings += f == FINDING_WARN;
}

enum finding
doctor_unseen(int errnum)
{
    return errnum == EACCES ? FINDING_WARN : FINDING_FAIL;
}

/* In the order in which a start would trip over them. */
static const struct check {
    void (*run)(struct doctor *d);
    bool needs_config;
} checks[] = {
    {doctor_state_dir, false}, {doctor_runtime_dir, false},
    {doctor_rcache, true},     {doctor_clock, false},
    {doctor_keytab, true},     {doctor_names, true},
    {doctor_tickets, true},    {doctor_repository, false},
    {doctor_events, false},    {doctor_certificates, true},
    {doctor_listeners, true},  {doctor_routes, true},
};

static void
look_at_config(struct doctor *d, struct config **config)
{
    struct error err = {0, ""};

    if (ctl_config_load(d->ctl, config, &err) != 0) {
        doctor_say(d, FINDING_FAIL, "configuration",
                   "Correct it; nsgated --check-config looks at it alone",
                   "%s", err.text);
        return;
    }
    d->config = *config;
    for (size_t i = 0; i < d->config->warning_count; i++)
        doctor_say(d, FINDING_WARN, "configuration", "See nsgate.conf(5)",
                   "%s", d->config->warnings[i]);
    if (d->config->warning_count == 0)
        doctor_say(d, FINDING_OK, "configuration", NULL, "%s",
                   d->config->path);
}

static cJSON *
look_at_gateway(struct doctor *d)
{
    struct buf reply = BUF_INIT;
    struct error err = {0, ""};
    cJSON *status = NULL;

    if (ctl_call(d->ctl, "status", 5000, &reply, &err) != 0) {
        d->hidden = err.code != -ENOENT && err.code != -ECONNREFUSED;
        doctor_say(d, FINDING_WARN, "gateway",
                   err.code == -EACCES ? "Run doctor as root"
                   : d->hidden         ? "See the log of nsgated"
                               : "Start it with: systemctl start nsgated",
                   "%s", err.text);
    } else {
        status = cJSON_ParseWithLength(reply.data, reply.length);
        if (status == NULL)
            doctor_say(d, FINDING_FAIL, "gateway",
                       "Is nsgatectl of the same version?",
                       "its answer is not JSON");
    }
    if (status != NULL)
        doctor_say(d, FINDING_OK, "gateway", NULL, "running");
    buf_fini(&reply);
    return status;
}

int
ctl_doctor(const struct ctl *ctl, int argc, char **argv)
{
    struct doctor d = {.ctl = ctl, .out = stdout};
    struct config *config = NULL;
    struct error err = {0, ""};
    cJSON *status;

    if (argc > 1)
        return ctl_misuse("%s takes no argument", argv[0]);
    if (ctl_paths_load(ctl, &d.paths, &err) != 0) {
        doctor_say(&d, FINDING_FAIL, "configuration", "Correct it first", "%s",
                   err.text);
        return CTL_FAILED;
    }
    look_at_config(&d, &config);
    status = look_at_gateway(&d);
    d.status = status;
    for (size_t i = 0; i < ARRAY_COUNT(checks); i++)
        if (d.config != NULL || !checks[i].needs_config)
            checks[i].run(&d);
    printf("%zu failed, %zu to look at\n", d.failures, d.warnings);
    cJSON_Delete(status);
    config_free(config);
    return d.failures > 0 ? CTL_FAILED : CTL_OK;
}
