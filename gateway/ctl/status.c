#include "gateway/ctl/ctl.h"

#include <getopt.h>
#include <stdarg.h>

#include <cjson/cJSON.h>

/* A reload replaces every worker, which may have requests to finish. */
#define STATUS_TIMEOUT_MS 5000
#define RELOAD_TIMEOUT_MS 60000

static const char *
text_of(const cJSON *object, const char *key)
{
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

    return text != NULL ? text : "";
}

static double
number_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void __attribute__((format(printf, 2, 3)))
row(const char *label, const char *format, ...)
{
    char text[2048];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    printf("%-14s ", label);
    ctl_print_text(stdout, span_of(text), false);
    putchar('\n');
}

static void
print_uptime(const cJSON *status)
{
    unsigned long s = (unsigned long)number_of(status, "uptimeSeconds");

    row("nsgated", "%s, pid %.0f, up %lu d %02lu:%02lu:%02lu",
        text_of(status, "version"), number_of(status, "pid"), s / 86400,
        s / 3600 % 24, s / 60 % 60, s % 60);
}

static bool
is_true(const cJSON *object, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static void
print_policy(const cJSON *status)
{
    const char *problem = text_of(status, "policyProblem");

    row("policy", "%s%s%s, generation %.0f", text_of(status, "policy"),
        problem[0] != '\0' ? ": " : "", problem,
        number_of(status, "generation"));
}

static void
print_worker(const cJSON *w)
{
    row("worker",
        "%.0f%s, pid %.0f, generation %.0f, %.0f connections, "
        "%.0f requests (%.0f denied, %.0f unauthenticated, %.0f "
        "malformed), %.1f MiB",
        number_of(w, "id"), is_true(w, "draining") ? " (draining)" : "",
        number_of(w, "pid"), number_of(w, "generation"),
        number_of(w, "connections"), number_of(w, "requests"),
        number_of(w, "denied"), number_of(w, "unauthenticated"),
        number_of(w, "malformed"), number_of(w, "residentKiB") / 1024);
}

static void
print_listener(const cJSON *l)
{
    const char *reason = text_of(l, "reason");

    if (is_true(l, "status")) {
        row("listener", "%s, %s, health and metrics only", text_of(l, "name"),
            text_of(l, "address"));
        return;
    }
    row("listener",
        "%s, %s, %s, channel %s%s%s%s, minimum level %s, "
        "channel bindings %s",
        text_of(l, "name"), text_of(l, "address"),
        is_true(l, "tls") ? "https" : "http", text_of(l, "channel"),
        reason[0] != '\0' ? " (" : "", reason, reason[0] != '\0' ? ")" : "",
        text_of(l, "minimumLevel"), text_of(l, "channelBindings"));
}

static void
print_route(const cJSON *r)
{
    const char *ns = text_of(r, "namespace");
    const cJSON *u;

    row("route", "%s, %s, %s%s", text_of(r, "name"), text_of(r, "path"),
        ns[0] != '\0' ? ns : "namespace of the request",
        is_true(r, "checked") ? ", health is checked" : "");
    cJSON_ArrayForEach(u, cJSON_GetObjectItemCaseSensitive(r, "upstreams"))
    {
        double down = number_of(u, "workersDown");

        if (is_true(u, "up"))
            row("upstream", "%s, up", text_of(u, "url"));
        else
            row("upstream", "%s, down in %.0f of %.0f workers",
                text_of(u, "url"), down, down + number_of(u, "workersUp"));
    }
}

static void
print_courier(const cJSON *c)
{
    row("courier", "%.0f%s, pid %.0f", number_of(c, "id"),
        is_true(c, "draining") ? " (draining)" : "", number_of(c, "pid"));
}

static void
print_store(const cJSON *status, const char *name)
{
    row(name, "pid %.0f",
        number_of(cJSON_GetObjectItemCaseSensitive(status, name), "pid"));
}

static void
print_each(const cJSON *status, const char *key,
           void (*print)(const cJSON *item))
{
    const cJSON *item;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(status, key))
        print(item);
}

static void
print_status(const cJSON *status)
{
    print_uptime(status);
    print_policy(status);
    row("configuration", "%s", text_of(status, "configuration"));
    row("state", "%s", text_of(status, "stateDir"));
    row("keytab", "%s", text_of(status, "keytab"));
    if (text_of(status, "clientPrincipal")[0] != '\0')
        row("client", "%s", text_of(status, "clientPrincipal"));
    print_each(status, "listeners", print_listener);
    print_each(status, "routes", print_route);
    if (number_of(status, "routesNotShown") > 0)
        row("route", "and %.0f more", number_of(status, "routesNotShown"));
    print_each(status, "workers", print_worker);
    print_each(status, "couriers", print_courier);
    if (cJSON_GetObjectItemCaseSensitive(status, "clerk") != NULL)
        print_store(status, "clerk");
    print_store(status, "recorder");
    print_store(status, "keeper");
    print_store(status, "dispatcher");
    if (number_of(status, "eventsLost") > 0)
        row("events lost", "%.0f", number_of(status, "eventsLost"));
}

int
ctl_json_option(int argc, char **argv, bool *json)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    int option;

    *json = false;
    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'j')
            return ctl_option_refused();
        *json = true;
    }
    if (optind != argc)
        return ctl_misuse("%s takes no argument", argv[0]);
    return 0;
}

int
ctl_status(const struct ctl *ctl, int argc, char **argv)
{
    struct buf reply = BUF_INIT;
    struct error err = {0, ""};
    cJSON *status = NULL;
    bool json;
    int result = ctl_json_option(argc, argv, &json);

    if (result != 0)
        return result;
    if (ctl_call(ctl, "status", STATUS_TIMEOUT_MS, &reply, &err) != 0) {
        result = ctl_fail("%s", err.text);
        goto out;
    }
    status = cJSON_ParseWithLength(reply.data, reply.length);
    if (status == NULL) {
        result = ctl_fail("the gateway's answer is not JSON");
        goto out;
    }
    if (json)
        printf("%s\n", reply.data);
    else
        print_status(status);
    if (span_equal(span_of(text_of(status, "policy")), SPAN("unavailable")))
        result = CTL_FAILED;
out:
    cJSON_Delete(status);
    buf_fini(&reply);
    return result;
}

int
ctl_reload(const struct ctl *ctl, int argc, char **argv)
{
    struct buf reply = BUF_INIT;
    struct error err = {0, ""};
    int result = CTL_OK;

    if (argc > 1)
        return ctl_misuse("%s takes no argument", argv[0]);
    if (ctl_call(ctl, "reload", RELOAD_TIMEOUT_MS, &reply, &err) != 0)
        result = ctl_fail("not reloaded, all stays as it was: %s", err.text);
    else
        puts("reloaded: the new workers serve");
    buf_fini(&reply);
    return result;
}
