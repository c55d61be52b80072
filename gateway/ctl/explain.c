#include "gateway/ctl/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "gateway/auth/auth.h"
#include "gateway/ctl/ctl.h"
#include "policy/repository/repository.h"

#define STATUS_TIMEOUT_MS 2000

struct explanation {
    const struct config *config;
    const struct policy_image *image; /* NULL: no policy */
    struct namespace_path ns;
    char display[NAMESPACE_PATH_MAX + 1];
    const char *principal; /* NULL: whoever is listed */
    struct explain_caller caller;
    bool audit;
    const cJSON *status; /* of the running gateway; NULL: none answers */
};

static const struct {
    const char *label;
    enum authn_level declared;
} contexts[] = {
    {"CONF and INTEG", AUTHN_LEVEL_PKT_PRIVACY},
    {"INTEG only", AUTHN_LEVEL_PKT_INTEGRITY},
    {"neither", AUTHN_LEVEL_CONNECT},
};

/* The realm that a worker would take; "" when the keytab tells none. */
static bool
realm_allowed(const struct config *c, const char *principal)
{
    const char *at = strrchr(principal, '@');
    struct acceptor *acceptor = NULL;
    struct error err = {0, ""};
    const char *own;
    bool allowed;

    if (at == NULL)
        return false;
    for (size_t i = 0; i < c->realm_count; i++)
        if (strcmp(at + 1, c->realms[i]) == 0)
            return true;
    if (c->realm_count > 0)
        return false;
    if (ctl_acceptor_open(c, &acceptor, &err) != 0) {
        ctl_fail("the gateway's own realm is not known, so %s is taken for "
                 "it: %s",
                 at + 1, err.text);
        return true;
    }
    own = acceptor_realm(acceptor);
    allowed = own != NULL && strcmp(at + 1, own) == 0;
    acceptor_free(acceptor);
    return allowed;
}

static void
print_namespace(const struct explanation *x)
{
    struct policy_entry entry;

    ctl_print_text(stdout, span_of(x->display), false);
    if (x->image == NULL) {
        puts(": no policy is in force, every request is answered 503");
    } else if (!policy_image_find(x->image, &x->ns, &entry)) {
        printf(": there is no such namespace (generation %" PRIu64 ")\n",
               policy_image_generation(x->image));
    } else {
        printf(" requires %s (generation %" PRIu64 ")%s\n",
               authn_level_name(entry.required_level),
               policy_image_generation(x->image),
               x->audit ? "; enforcement = audit: what is too low is let "
                          "through and recorded"
                        : "");
    }
}

static void
print_principals(const struct access_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        fputs(i > 0 ? ", " : " ", stdout);
        ctl_print_text(stdout, span_of(list->principals[i]), false);
    }
    putchar('\n');
}

static void
print_access(const struct explanation *x)
{
    const struct access_list *list = config_access(x->config, &x->ns);

    if (list == NULL) {
        puts("access: no section; every principal of the realms");
    } else {
        fputs("access:", stdout);
        print_principals(list);
    }
    if (x->principal == NULL)
        return;
    fputs("principal: ", stdout);
    ctl_print_text(stdout, span_of(x->principal), false);
    if (strchr(x->principal, '@') == NULL)
        fputs(" (a principal has a realm: NAME@REALM)", stdout);
    printf(", realm %s, %s\n",
           x->caller.realm_allowed ? "admitted" : "not admitted",
           list == NULL ? "no list to be in"
           : access_list_allows(list, span_of(x->principal)) ? "listed"
                                                             : "not listed");
}

static const char *
verdict_text(enum verdict v)
{
    switch (v) {
    case VERDICT_ALLOW:
        return "200";
    case VERDICT_NOT_FOUND:
        return "404";
    case VERDICT_CHALLENGE:
        return "401";
    case VERDICT_UNAVAILABLE:
        return "503";
    case VERDICT_DENY:
        break;
    }
    return "403";
}

static void
print_way(const struct explanation *x, const struct config_listener *l,
          const struct explain_way *way)
{
    printf("  %s: channel %s, binding %s, applied %s\n", way->label,
           channel_kind_name(way->channel), way->bound ? "bound" : "absent",
           authn_level_name(channel_applied_level(way->channel, true)));
    for (size_t i = 0; i < ARRAY_COUNT(contexts); i++) {
        struct decision d =
            explain_decide(x->image, &x->ns, l, way, contexts[i].declared,
                           x->audit, &x->caller);

        printf(
            "    %-15s %s  declared %-12s  effective %-12s  %s: %s\n",
            contexts[i].label, verdict_text(d.verdict),
            authn_level_name(explain_declared(l, way, contexts[i].declared)),
            authn_level_name(d.effective), decision_reason_name(d.reason),
            explain_reason(d.reason));
    }
}

/* Where the running gateway has a listener: "127.0.0.1:40123"; NULL: it does
 * not say. */
static const char *
running_address(const struct explanation *x, const char *listener)
{
    const cJSON *item;
    const char *name;

    cJSON_ArrayForEach(
        item, cJSON_GetObjectItemCaseSensitive(x->status, "listeners"))
    {
        name = cJSON_GetStringValue(
            cJSON_GetObjectItemCaseSensitive(item, "name"));
        if (name != NULL && strcmp(name, listener) == 0)
            return cJSON_GetStringValue(
                cJSON_GetObjectItemCaseSensitive(item, "address"));
    }
    return NULL;
}

static void
print_listener(const struct explanation *x, const struct config_listener *l)
{
    struct explain_way ways[EXPLAIN_WAYS_MAX];
    size_t n = explain_ways(l, ways);
    const char *address = running_address(x, l->name);

    if (n == 0)
        return;
    printf("\nlistener %s (%s), minimum level %s\n", l->name,
           address != NULL ? address : l->bind,
           authn_level_name(l->minimum_level));
    for (size_t i = 0; i < n; i++)
        print_way(x, l, &ways[i]);
    if (l->channel_bindings == CHANNEL_BINDINGS_REQUIRE &&
        (l->tls || l->channel == LISTENER_CHANNEL_PROXY))
        puts("  a token that is not bound to the TLS connection: 401");
    if (ways[n - 1].channel == CHANNEL_SEALED)
        puts("  a sealed message of a context without REPLAY or SEQUENCE: "
             "400");
}

/* -- secureUri ------------------------------------------------------------ */

static const struct config_listener *
secure_listener(const struct config *c)
{
    for (size_t i = 0; i < c->listener_count; i++) {
        const struct config_listener *l = &c->listeners[i];

        if (l->tls && !l->status && l->channel != LISTENER_CHANNEL_PROXY &&
            l->unix_path == NULL)
            return l;
    }
    return NULL;
}

/* With `bind = ...:0` only the running gateway knows it; 0: nobody does. */
static unsigned
port_of(const struct explanation *x, const struct config_listener *l)
{
    const char *address = running_address(x, l->name);
    const char *colon = address != NULL ? strrchr(address, ':') : NULL;
    unsigned port;

    if (l->port != 0)
        return l->port;
    return colon != NULL && sscanf(colon + 1, "%u", &port) == 1 ? port : 0;
}

static void
print_secure_uri(const struct explanation *x)
{
    const struct config *c = x->config;
    const struct config_listener *l = secure_listener(c);
    unsigned port = l != NULL ? port_of(x, l) : 0;

    if (l == NULL || c->secure_host == NULL) {
        puts("\nsecureUri: none, no TLS listener is reached directly");
        return;
    }
    if (port == 0) {
        printf("\nsecureUri: not known, listener %s takes a free port and no "
               "gateway could be asked for it\n",
               l->name);
        return;
    }
    printf("\nsecureUri: https://%s:%u/cim/", c->secure_host, port);
    for (const char *p = x->display; *p != '\0'; p++)
        putchar(*p == '\\' ? '/' : *p);
    putchar('\n');
}

/* -- the command ---------------------------------------------------------- */

static int
namespace_take(struct explanation *x, const char *text)
{
    struct policy_entry entry;
    struct error err = {0, ""};

    if (namespace_path_parse(&x->ns, span_of(text), &err) != NAMESPACE_PATH_OK)
        return ctl_misuse("explain: %s", err.text);
    namespace_path_display(span_of(text), x->display);
    if (x->image != NULL && policy_image_find(x->image, &x->ns, &entry) &&
        entry.display.length > 0 && entry.display.length < sizeof(x->display))
    {
        memcpy(x->display, entry.display.data, entry.display.length);
        x->display[entry.display.length] = '\0';
    }
    return 0;
}

/* Without a principal the question is about the level: someone who is
 * listed asks. */
static void
caller_take(struct explanation *x, const char *principal)
{
    x->principal = principal;
    x->caller.principal = span_of(principal != NULL ? principal : "*");
    x->caller.realm_allowed =
        principal == NULL || realm_allowed(x->config, principal);
    x->caller.access =
        principal == NULL ? NULL : config_access(x->config, &x->ns);
}

static int
explain(struct explanation *x, int argc, char **argv)
{
    struct policy_entry entry;
    int status = namespace_take(x, argv[1]);
    bool known;

    if (status != 0)
        return status;
    caller_take(x, argc > 2 ? argv[2] : NULL);
    x->audit = config_audits(x->config, &x->ns, clock_now_us());
    print_namespace(x);
    print_access(x);
    for (size_t i = 0; i < x->config->listener_count; i++)
        print_listener(x, &x->config->listeners[i]);
    print_secure_uri(x);
    known = x->image != NULL && policy_image_find(x->image, &x->ns, &entry);
    explain_routes(x->config, &x->ns,
                   known ? entry.required_level : AUTHN_LEVEL_PKT_PRIVACY);
    return known ? CTL_OK : CTL_FAILED;
}

static int
image_open(const char *state_dir, struct policy_image **out, struct error *err)
{
    int result;

    if (ctl_state_enter(state_dir, err) != 0)
        return -1;
    result = policy_image_open(state_dir, out, err);
    state_owner_leave();
    return result;
}

static cJSON *
status_ask(const struct ctl *ctl)
{
    struct buf reply = BUF_INIT;
    cJSON *status = NULL;

    if (ctl_call(ctl, "status", STATUS_TIMEOUT_MS, &reply, NULL) == 0)
        status = cJSON_ParseWithLength(reply.data, reply.length);
    buf_fini(&reply);
    return status;
}

int
ctl_explain(const struct ctl *ctl, int argc, char **argv)
{
    struct explanation x = {.config = NULL};
    struct config *config = NULL;
    struct policy_image *image = NULL;
    struct ctl_paths paths;
    struct error err = {0, ""};
    cJSON *running;
    int status;

    if (argc < 2 || argc > 3 || argv[1][0] == '-')
        return ctl_misuse("explain: NAMESPACE [PRINCIPAL] expected");
    if (ctl_config_load(ctl, &config, &err) != 0)
        return ctl_fail("%s", err.text);
    if (ctl_paths_load(ctl, &paths, &err) != 0) {
        status = ctl_fail("%s", err.text);
        goto out;
    }
    if (image_open(paths.state_dir, &image, &err) != 0) {
        status = ctl_fail("%s", err.text);
        if (err.code == -EACCES)
            goto out;
    }
    x.config = config;
    x.image = image;
    x.status = running = status_ask(ctl);
    status = explain(&x, argc, argv);
    cJSON_Delete(running);
out:
    policy_image_unref(image);
    config_free(config);
    return status;
}
