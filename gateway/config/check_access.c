/* Access sections and operators: group:NAME becomes its members. */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/config/check.h"

struct names {
    struct draft *draft;
    const struct ini_section *section;
    const char *key;
    size_t count, capacity;
    const char **items;
};

static int
names_add(struct names *n, const char *name, struct error *err)
{
    const char **grown;

    if (n->count == n->capacity) {
        n->capacity = 2 * n->capacity + 8;
        grown = arena_array(n->draft->arena, n->capacity, sizeof(*grown));
        if (grown == NULL || name == NULL)
            return error_set_errno(err, ENOMEM, "configuration");
        if (n->count > 0)
            memcpy(grown, n->items, n->count * sizeof(*grown));
        n->items = grown;
    }
    if (name == NULL)
        return error_set_errno(err, ENOMEM, "configuration");
    n->items[n->count++] = name;
    return 0;
}

/* member@REALM; a member's name that could be read as something else is left
 * out: what cannot be mapped is refused (threat 11). */
static int
names_add_member(struct names *n, const char *group, const char *member,
                 struct error *err)
{
    struct buf b = BUF_INIT;
    char *name;

    if (member[0] == '\0' || strpbrk(member, "@/\\*, \t") != NULL) {
        draft_warn(n->draft, n->section, n->key,
                   "%s: member '%s' of group %s is no plain name and was left "
                   "out",
                   n->key, member, group);
        return 0;
    }
    buf_addf(&b, "%s@%s", member, n->draft->config->realms[0]);
    name = buf_failed(&b) ? NULL : arena_copy(n->draft->arena, buf_span(&b));
    buf_fini(&b);
    return names_add(n, name, err);
}

/* getgrnam with as much space as the group needs, 16 MiB at most. */
static int
group_find(const char *name, struct group *out, char **space_out)
{
    struct group *found = NULL;
    char *space = NULL;
    int rc = ERANGE;

    for (size_t size = 16384; rc == ERANGE && size <= (16u << 20); size *= 4) {
        free(space);
        space = malloc(size);
        if (space == NULL)
            return ENOMEM;
        rc = getgrnam_r(name, out, space, size, &found);
    }
    *space_out = space;
    return rc != 0 ? rc : found == NULL ? ENOENT : 0;
}

static int
names_add_group(struct names *n, const char *group, struct error *err)
{
    struct group gr = {0};
    char *space = NULL;
    int rc;

    if (n->draft->config->realm_count == 0)
        return draft_fail(n->section, n->key, err,
                          "%s: group:%s needs realms in [nsgate]: its members "
                          "are principals of the first one",
                          n->key, group);
    rc = group_find(group, &gr, &space);
    if (rc == ENOENT)
        rc = draft_fail(n->section, n->key, err, "%s: there is no group '%s'",
                        n->key, group);
    else if (rc != 0)
        rc = draft_fail(n->section, n->key, err, "%s: group '%s': %s", n->key,
                        group, strerror(rc));
    else if (gr.gr_mem == NULL || gr.gr_mem[0] == NULL)
        draft_warn(n->draft, n->section, n->key,
                   "%s: group %s has no members listed", n->key, group);
    for (char **m = gr.gr_mem; rc == 0 && m != NULL && *m != NULL; m++)
        rc = names_add_member(n, group, *m, err);
    free(space);
    return rc;
}

static int
expand(struct names *n, const char *const *items, size_t count,
       struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *item = items[i];
        int rc = strncmp(item, "group:", 6) == 0
                     ? names_add_group(n, item + 6, err)
                     : names_add(n, item, err);

        if (rc < 0)
            return -1;
    }
    return 0;
}

int
check_access(struct draft *d, struct error *err)
{
    struct config *c = d->config;
    struct names n = {d, d->main, "operators", 0, 0, NULL};

    if (expand(&n, c->operators, c->operator_count, err) < 0)
        return -1;
    c->operators = n.items;
    c->operator_count = n.count;
    for (size_t i = 0; i < c->access_count; i++) {
        struct access_list *a = &d->access[i];

        n = (struct names){d, d->access_sections[i], "allow", 0, 0, NULL};
        if (a->count == 0)
            return draft_fail(n.section, NULL, err,
                              "[access/%s] needs allow = PRINCIPAL, ...",
                              n.section->name);
        if (expand(&n, a->principals, a->count, err) < 0)
            return -1;
        a->principals = n.items;
        a->count = n.count;
    }
    return 0;
}
