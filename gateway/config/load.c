#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/config/check.h"
#include "gateway/config/load.h"

/* What config_load hands out: the arena that everything lives in goes with
 * it. */
struct loaded {
    struct config config;
    struct arena *arena;
};

/* A value in an error: on one line and not endless. */
static void
quote_value(const char *value, char out[64])
{
    size_t n = 0;

    for (; *value != '\0' && n < 56; value++)
        out[n++] = *value == '\t' ? ' ' : *value;
    /* Not in the middle of a character. */
    while (*value != '\0' && n > 0 && (out[n - 1] & 0x80))
        n--;
    memcpy(out + n, *value != '\0' ? "..." : "", *value != '\0' ? 4 : 1);
}

/* Every key of the section's kind: the value given, or its default. */
static int
fill(struct draft *d, const struct ini_section *s, enum section_kind kind,
     void *structure, struct error *err)
{
    const struct key *key;

    for (size_t i = 0; (key = key_at(i)) != NULL; i++) {
        const struct ini_entry *e;
        struct error why = {0};
        char shown[64];

        if (key->section != kind)
            continue;
        e = ini_section_entry(s, key->name);
        if (e == NULL && key->preset == NULL)
            continue;
        if (key->parse(d->arena, key, structure,
                       e != NULL ? e->value : key->preset, &why) == 0)
            continue;
        quote_value(e != NULL ? e->value : key->preset, shown);
        return draft_fail(s, key->name, err, "%s = %s: %s", key->name, shown,
                          why.text);
    }
    return 0;
}

static int
fill_listener(struct draft *d, const struct ini_section *s, size_t i,
              struct error *err)
{
    struct config_listener *l = &d->listeners[i];
    const struct ini_entry *bind;

    d->listener_sections[i] = s;
    l->name = s->name;
    l->section = s;
    l->file = s->file;
    bind = ini_section_entry(s, "bind");
    l->line = bind != NULL ? bind->line : s->line;
    if (bind != NULL)
        l->file = bind->file;
    return fill(d, s, SECTION_LISTENER, l, err);
}

static int
by_namespace(const void *a, const void *b)
{
    const struct ini_section *x = *(const struct ini_section *const *)a;
    const struct ini_section *y = *(const struct ini_section *const *)b;

    return strcmp(x->ns.text, y->ns.text);
}

/* The sections of one kind, sorted by namespace where they have one. */
static const struct ini_section **
sections_of(struct draft *d, enum section_kind kind)
{
    const struct ini_section **list;
    size_t count = 0;

    list = arena_array(d->arena, d->set.counts[kind] + 1, sizeof(*list));
    if (list == NULL)
        return NULL;
    for (const struct ini_section *s = d->set.first; s != NULL; s = s->next) {
        if (s->kind == kind)
            list[count++] = s;
    }
    if (kind == SECTION_ACCESS || kind == SECTION_NAMESPACE)
        qsort(list, count, sizeof(*list), by_namespace);
    return list;
}

static int
draft_allocate(struct draft *d, struct error *err)
{
    struct config *c = d->config;
    struct arena *a = d->arena;

    c->listener_count = d->set.counts[SECTION_LISTENER];
    c->access_count = d->set.counts[SECTION_ACCESS];
    c->namespace_count = d->set.counts[SECTION_NAMESPACE];
    c->route_count = d->set.counts[SECTION_ROUTE];
    c->listeners = d->listeners =
        arena_array(a, c->listener_count + 1, sizeof(*d->listeners));
    c->access = d->access =
        arena_array(a, c->access_count + 1, sizeof(*d->access));
    c->namespaces = d->namespaces =
        arena_array(a, c->namespace_count + 1, sizeof(*d->namespaces));
    c->routes = d->routes =
        arena_array(a, c->route_count + 1, sizeof(*d->routes));
    d->listener_sections = sections_of(d, SECTION_LISTENER);
    d->access_sections = sections_of(d, SECTION_ACCESS);
    d->namespace_sections = sections_of(d, SECTION_NAMESPACE);
    d->route_sections = sections_of(d, SECTION_ROUTE);
    if (d->listeners == NULL || d->access == NULL || d->namespaces == NULL ||
        d->routes == NULL || d->route_sections == NULL ||
        d->listener_sections == NULL || d->access_sections == NULL ||
        d->namespace_sections == NULL)
        return error_set_errno(err, ENOMEM, "configuration");
    return 0;
}

static int
draft_fill(struct draft *d, struct error *err)
{
    struct config *c = d->config;

    if (fill(d, d->main, SECTION_NSGATE, c, err) < 0 ||
        fill(d, d->callback, SECTION_CALLBACK, &c->callback, err) < 0)
        return -1;
    for (size_t i = 0; i < c->listener_count; i++) {
        if (fill_listener(d, d->listener_sections[i], i, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < c->access_count; i++) {
        d->access[i].namespace = d->access_sections[i]->ns;
        if (fill(d, d->access_sections[i], SECTION_ACCESS, &d->access[i],
                 err) < 0)
            return -1;
    }
    for (size_t i = 0; i < c->namespace_count; i++) {
        d->namespaces[i].path = d->namespace_sections[i]->ns;
        if (fill(d, d->namespace_sections[i], SECTION_NAMESPACE,
                 &d->namespaces[i], err) < 0)
            return -1;
    }
    for (size_t i = 0; i < c->route_count; i++) {
        d->routes[i].name = d->route_sections[i]->name;
        d->routes[i].section = d->route_sections[i];
        if (fill(d, d->route_sections[i], SECTION_ROUTE, &d->routes[i], err) <
            0)
            return -1;
    }
    return 0;
}

/* A section without a name.  Where it is not written its defaults hold and
 * complaints go to line 1. */
static const struct ini_section *
draft_section(struct draft *d, enum section_kind kind, struct error *err)
{
    const struct ini_section *found = ini_set_find(&d->set, kind);
    struct ini_section *absent;

    if (found != NULL)
        return found;
    absent = arena_alloc(d->arena, sizeof(*absent));
    if (absent == NULL) {
        error_set_errno(err, ENOMEM, "configuration");
        return NULL;
    }
    absent->kind = kind;
    absent->name = "";
    absent->file = d->set.main_file;
    absent->line = 1;
    return absent;
}

static int
draft_sections(struct draft *d, struct error *err)
{
    d->main = draft_section(d, SECTION_NSGATE, err);
    if (d->main != NULL)
        d->callback = draft_section(d, SECTION_CALLBACK, err);
    d->config->main_section = d->main;
    d->config->callback_section = d->callback;
    return d->callback != NULL ? 0 : -1;
}

static int
draft_finish(struct draft *d, struct error *err)
{
    if (draft_sections(d, err) < 0 || draft_allocate(d, err) < 0 ||
        draft_fill(d, err) < 0 || check_main(d, err) < 0 ||
        check_listeners(d, err) < 0 || check_access(d, err) < 0 ||
        check_namespaces(d, err) < 0 || check_routes(d, err) < 0)
        return -1;
    return check_callback(d, err);
}

static int
load(const char *path, const struct span *text, struct config **config_out,
     struct error *err)
{
    struct draft d = {.arena = arena_new()};
    struct loaded *loaded = NULL;
    int rc = -1;

    *config_out = NULL;
    if (d.arena != NULL)
        loaded = arena_alloc(d.arena, sizeof(*loaded));
    if (loaded == NULL) {
        error_set_errno(err, ENOMEM, "configuration");
        goto out;
    }
    loaded->arena = d.arena;
    d.config = &loaded->config;
    d.config->path = arena_copy(d.arena, span_of(path));
    if (d.config->path == NULL || ini_set_init(&d.set, d.arena, err) < 0)
        goto out;
    rc = text != NULL ? ini_set_add(&d.set, path, *text, err)
                      : ini_set_read(&d.set, path, err);
    if (rc == 0)
        rc = draft_finish(&d, err);
out:
    ini_set_fini(&d.set);
    if (rc < 0)
        arena_free(d.arena);
    else
        *config_out = &loaded->config;
    return rc;
}

int
config_load(const char *path, struct config **config_out, struct error *err)
{
    return load(path, NULL, config_out, err);
}

int
config_load_text(const char *name, struct span text,
                 struct config **config_out, struct error *err)
{
    return load(name, &text, config_out, err);
}

void
config_free(struct config *c)
{
    if (c != NULL)
        arena_free(((struct loaded *)(void *)c)->arena);
}

static int
compare_access(const void *key, const void *item)
{
    return strcmp(((const struct namespace_path *)key)->text,
                  ((const struct access_list *)item)->namespace.text);
}

const struct access_list *
config_access(const struct config *c, const struct namespace_path *ns)
{
    if (c->access_count == 0)
        return NULL;
    return bsearch(ns, c->access, c->access_count, sizeof(*c->access),
                   compare_access);
}

bool
config_route_leads_to(const struct config *c, const struct config_route *r,
                      const struct namespace_path *ns)
{
    return r->protocol == ROUTE_HTTP ? namespace_path_equal(&r->namespace, ns)
                                     : config_access(c, ns) != NULL;
}

static int
compare_namespace(const void *key, const void *item)
{
    return strcmp(((const struct namespace_path *)key)->text,
                  ((const struct config_namespace *)item)->path.text);
}

bool
config_audits(const struct config *c, const struct namespace_path *ns,
              int64_t now_us)
{
    const struct config_namespace *n = NULL;

    if (c->namespace_count > 0)
        n = bsearch(ns, c->namespaces, c->namespace_count,
                    sizeof(*c->namespaces), compare_namespace);
    return n != NULL && n->audit && now_us <= n->audit_until_us;
}

const struct config_listener *
config_listener(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->listener_count; i++) {
        if (strcmp(c->listeners[i].name, name) == 0)
            return &c->listeners[i];
    }
    return NULL;
}
