#include "gateway/ctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "policy/repository/repository.h"

/*
 * The image decides, the repository knows the names.  Both are shown
 * together, and where they differ that is said: then a compile was stored
 * and is not in force.
 */
struct listing {
    const struct policy_image *image; /* NULL: none in force */
    const struct config *config;      /* NULL: enforcement is unknown */
    uint64_t generation;              /* of the repository */
    int64_t now_us;
    bool json;
    size_t differences;
};

struct shown {
    char required[32], enforcement[64];
};

static void
enforcement_of(const struct listing *l, const struct namespace_path *ns,
               char out[64])
{
    char until[CLOCK_TEXT_MAX];

    snprintf(out, 64, "%s", l->config != NULL ? "enforced" : "unknown");
    if (l->config == NULL || !config_audits(l->config, ns, l->now_us))
        return;
    for (size_t i = 0; i < l->config->namespace_count; i++) {
        const struct config_namespace *n = &l->config->namespaces[i];

        if (!namespace_path_equal(&n->path, ns))
            continue;
        clock_format(n->audit_until_us, until);
        snprintf(out, 64, "audit until %.10s", until);
    }
}

/* "a, b": the routes that lead to it. */
static void
routes_of(const struct listing *l, const struct namespace_path *ns,
          struct buf *out)
{
    for (size_t i = 0; l->config != NULL && i < l->config->route_count; i++) {
        const struct config_route *r = &l->config->routes[i];

        if (!config_route_leads_to(l->config, r, ns))
            continue;
        if (out->length > 0)
            buf_add_char(out, l->json ? ',' : ' ');
        if (l->json)
            json_quote(out, span_of(r->name));
        else
            buf_add_string(out, r->name);
    }
}

static void
print_line(const struct shown *s, const struct repository_namespace *ns,
           struct span routes, const char *stored)
{
    printf("%-12s  %-22s  ", s->required, s->enforcement);
    ctl_print_text(stdout, ns->display, false);
    if (routes.length > 0) {
        fputs("  (routes: ", stdout);
        ctl_print_text(stdout, routes, false);
        putchar(')');
    }
    if (stored != NULL)
        printf("  (stored as %s, not in force)", stored);
    putchar('\n');
}

static bool
visit(void *arg, const struct repository_namespace *ns)
{
    struct listing *l = arg;
    struct policy_entry entry;
    struct shown s;
    struct buf b = BUF_INIT, routes = BUF_INIT;
    bool found =
        l->image != NULL && policy_image_find(l->image, &ns->path, &entry);
    enum authn_level stored = ns->requires_encryption ? AUTHN_LEVEL_PKT_PRIVACY
                                                      : AUTHN_LEVEL_CONNECT;
    bool differs = !found || entry.required_level != stored;

    snprintf(s.required, sizeof(s.required), "%s",
             found ? authn_level_name(entry.required_level) : "unavailable");
    enforcement_of(l, &ns->path, s.enforcement);
    l->differences += differs;
    routes_of(l, &ns->path, &routes);
    if (!l->json) {
        print_line(&s, ns, buf_span(&routes),
                   differs ? authn_level_name(stored) : NULL);
        buf_fini(&routes);
        return true;
    }
    json_begin(&b);
    json_string(&b, "namespace", ns->display);
    json_text(&b, "requiredLevel", s.required);
    json_text(&b, "storedLevel", authn_level_name(stored));
    json_text(&b, "enforcement", s.enforcement);
    json_number(&b, "generation",
                l->image != NULL ? (int64_t)policy_image_generation(l->image)
                                 : 0);
    json_number(&b, "storedGeneration", (int64_t)l->generation);
    if (l->config != NULL)
        buf_addf(&b, ",\"routes\":[%s]", routes.length > 0 ? routes.data : "");
    json_end(&b);
    if (!buf_failed(&b))
        printf("%s\n", b.data);
    buf_fini(&b);
    buf_fini(&routes);
    return true;
}

static int
list(struct listing *l, const char *state_dir, struct error *err)
{
    struct repository *repo = NULL;
    int result = -1;

    if (repository_open(state_dir, REPOSITORY_READ, &repo, err) != 0)
        return -1;
    if (repository_read_begin(repo, &l->generation, err) == 0) {
        if (!l->json)
            printf("%-12s  %-22s  %s\n", "REQUIRED", "ENFORCEMENT",
                   "NAMESPACE");
        result = repository_each_namespace(repo, visit, l, err);
        repository_read_end(repo);
    }
    repository_close(repo);
    return result;
}

static int
finish(const struct listing *l)
{
    if (l->image == NULL)
        return CTL_FAILED;
    if (!l->json)
        printf("\ngeneration %" PRIu64 " in force, %" PRIu64 " stored\n",
               policy_image_generation(l->image), l->generation);
    if (l->differences > 0)
        return ctl_fail("%zu namespaces are stored otherwise than in force: "
                        "compile again, or start the gateway",
                        l->differences);
    return CTL_OK;
}

static int
show(struct listing *l, const struct ctl_paths *paths,
     struct policy_image **image)
{
    struct error err = {0, ""};

    if (policy_image_open(paths->state_dir, image, &err) != 0) {
        if (err.code == -EACCES)
            return ctl_fail("%s", err.text);
        ctl_fail("no policy is in force, everything is refused: %s", err.text);
    }
    l->image = *image;
    if (list(l, paths->state_dir, &err) != 0)
        return ctl_fail("%s", err.text);
    return finish(l);
}

int
ctl_namespaces(const struct ctl *ctl, int argc, char **argv)
{
    struct listing l = {.now_us = clock_now_us()};
    struct policy_image *image = NULL;
    struct config *config = NULL;
    struct ctl_paths paths;
    struct error err = {0, ""};
    int result = ctl_json_option(argc, argv, &l.json);

    if (result != 0)
        return result;
    if (ctl_paths_load(ctl, &paths, &err) != 0)
        return ctl_fail("%s", err.text);
    if (ctl_config_load(ctl, &config, &err) != 0)
        ctl_fail("enforcement is not shown: %s", err.text);
    l.config = config;
    if (ctl_state_enter(paths.state_dir, &err) != 0) {
        result = ctl_fail("%s", err.text);
        goto out;
    }
    result = show(&l, &paths, &image);
    state_owner_leave();
out:
    policy_image_unref(image);
    config_free(config);
    return result;
}
