#include "gateway/config/values.h"

#include <errno.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/config/config.h"

#define FIELD(structure, key, type)                                           \
    ((type *)(void *)((char *)(structure) + (key)->offset))

static int
keep_text(struct arena *arena, struct span text, const char **field,
          struct error *err)
{
    *field = arena_copy(arena, text);
    if (*field == NULL)
        return error_set_errno(err, ENOMEM, "configuration");
    return 0;
}

int
value_text(struct arena *arena, const struct key *key, void *structure,
           const char *text, struct error *err)
{
    struct span s = span_of(text);

    if (s.length >= 2 && s.data[0] == '"' && s.data[s.length - 1] == '"') {
        s = span_skip(s, 1);
        s.length--;
    }
    if (s.length == 0)
        return error_set(err, "empty");
    return keep_text(arena, s, FIELD(structure, key, const char *), err);
}

int
value_path(struct arena *arena, const struct key *key, void *structure,
           const char *text, struct error *err)
{
    if (text[0] != '/')
        return error_set(err, "must be an absolute path");
    if (strlen(text) > 255)
        return error_set(err, "longer than 255 bytes");
    return keep_text(arena, span_of(text), FIELD(structure, key, const char *),
                     err);
}

int
value_bool(struct arena *arena, const struct key *key, void *structure,
           const char *text, struct error *err)
{
    bool *field = FIELD(structure, key, bool);
    struct span s = span_of(text);

    (void)arena;
    *field = span_equal_nocase(s, SPAN("yes")) ||
             span_equal_nocase(s, SPAN("true"));
    if (!*field && !span_equal_nocase(s, SPAN("no")) &&
        !span_equal_nocase(s, SPAN("false")))
        return error_set(err, "must be yes or no");
    return 0;
}

/* Digits only, in the row's range. */
static int
parse_range(const struct key *key, const char *text, uint64_t *out,
            struct error *err)
{
    uint64_t n = 0;
    bool digits = text[0] != '\0' && strlen(text) <= 18;

    for (const char *p = text; digits && *p != '\0'; p++) {
        digits = ascii_is_digit(*p);
        n = n * 10 + (uint64_t)(*p - '0');
    }
    if (!digits || n < key->min || n > key->max)
        return error_set(err, "must be a whole number from %llu to %llu",
                         (unsigned long long)key->min,
                         (unsigned long long)key->max);
    *out = n;
    return 0;
}

int
value_number(struct arena *arena, const struct key *key, void *structure,
             const char *text, struct error *err)
{
    uint64_t n = 0;

    (void)arena;
    if (parse_range(key, text, &n, err) < 0)
        return -1;
    *FIELD(structure, key, unsigned) = (unsigned)n;
    return 0;
}

int
value_rows(struct arena *arena, const struct key *key, void *structure,
           const char *text, struct error *err)
{
    uint64_t n = 0;

    (void)arena;
    if (parse_range(key, text, &n, err) < 0)
        return -1;
    *FIELD(structure, key, size_t) = (size_t)n;
    return 0;
}

static const struct {
    char letter;
    uint64_t bytes;
} units[] = {{'G', 1ull << 30}, {'M', 1ull << 20}, {'K', 1ull << 10}};

/* "16K", in the largest unit that leaves no rest. */
static void
format_size(uint64_t n, char out[32])
{
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (n % units[i].bytes == 0) {
            snprintf(out, 32, "%llu%c",
                     (unsigned long long)(n / units[i].bytes),
                     units[i].letter);
            return;
        }
    }
    snprintf(out, 32, "%llu", (unsigned long long)n);
}

int
value_size(struct arena *arena, const struct key *key, void *structure,
           const char *text, struct error *err)
{
    char *end = NULL, min[32], max[32];
    unsigned long long n = 0, unit = 1;

    (void)arena;
    if (ascii_is_digit(text[0]) && strlen(text) <= 13)
        n = strtoull(text, &end, 10);
    for (size_t i = 0; end != NULL && i < ARRAY_COUNT(units); i++) {
        if (ascii_lower(*end) == ascii_lower(units[i].letter)) {
            unit = units[i].bytes;
            end++;
            break;
        }
    }
    if (end != NULL && *end == '\0' && n <= key->max / unit &&
        n * unit >= key->min)
    {
        *FIELD(structure, key, size_t) = (size_t)(n * unit);
        return 0;
    }
    format_size(key->min, min);
    format_size(key->max, max);
    return error_set(err,
                     "must be a number of bytes from %s to %s; K, M or G may "
                     "follow it",
                     min, max);
}

int
value_mode(struct arena *arena, const struct key *key, void *structure,
           const char *text, struct error *err)
{
    char *end = NULL;
    unsigned long mode = 0;

    (void)arena;
    if (ascii_is_digit(text[0]) && strlen(text) <= 5)
        mode = strtoul(text, &end, 8);
    if (end == NULL || *end != '\0' || mode < key->min || mode > key->max)
        return error_set(err, "must be an octal mode from %04o to %04o",
                         (unsigned)key->min, (unsigned)key->max);
    *FIELD(structure, key, unsigned) = (unsigned)mode;
    return 0;
}

int
value_workers(struct arena *arena, const struct key *key, void *structure,
              const char *text, struct error *err)
{
    cpu_set_t cores;
    int count = 1;

    if (strcmp(text, "auto") != 0) {
        if (value_number(arena, key, structure, text, err) < 0)
            return error_set(err, "must be auto or a number from %u to %u",
                             (unsigned)key->min, (unsigned)key->max);
        return 0;
    }
    if (sched_getaffinity(0, sizeof(cores), &cores) == 0)
        count = CPU_COUNT(&cores);
    if (count > (int)key->max)
        count = (int)key->max;
    *FIELD(structure, key, unsigned) = (unsigned)count;
    return 0;
}

int
value_log_level(struct arena *arena, const struct key *key, void *structure,
                const char *text, struct error *err)
{
    static const char *const names[] = {"error", "warning", "notice", "info",
                                        "debug"};

    (void)arena;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *FIELD(structure, key, const char *) = names[i];
            return 0;
        }
    }
    return error_set(err, "must be error, warning, notice, info or debug");
}

int
value_log_target(struct arena *arena, const struct key *key, void *structure,
                 const char *text, struct error *err)
{
    if (strcmp(text, "stderr") == 0 || strcmp(text, "off") == 0)
        return value_text(arena, key, structure, text, err);
    if (text[0] != '/')
        return error_set(err, "must be an absolute path, stderr or off");
    return value_path(arena, key, structure, text, err);
}

int
value_user(const char *text, uint32_t *uid_out, struct error *err)
{
    struct passwd pw, *found = NULL;
    char space[16384], *end;
    unsigned long number;
    int rc;

    if (ascii_is_digit(text[0])) {
        errno = 0;
        number = strtoul(text, &end, 10);
        /* (uid_t)-1 means "nobody in particular" to chown(2). */
        if (*end != '\0' || errno != 0 || number >= UINT32_MAX)
            return error_set(err, "'%s' is no user's number", text);
        *uid_out = (uint32_t)number;
        return 0;
    }
    rc = getpwnam_r(text, &pw, space, sizeof(space), &found);
    if (rc != 0)
        return error_set_errno(err, rc, "user '%s'", text);
    if (found == NULL)
        return error_set(err, "there is no user '%s'", text);
    *uid_out = pw.pw_uid;
    return 0;
}

/* -- lists --------------------------------------------------------------- */

int
value_split(struct arena *arena, const char *text, struct value_list *out,
            struct error *err)
{
    struct span rest = span_of(text);
    size_t parts = 1;

    for (const char *p = text; *p != '\0'; p++)
        parts += *p == ',';
    *out = (struct value_list){0, arena_array(arena, parts, sizeof(char *))};
    for (size_t i = 0; out->items != NULL && i < parts; i++) {
        struct span part = span_trim(span_cut(rest, ',', &rest));

        if (part.length == 0)
            return error_set(err, "an empty element between commas");
        out->items[i] = arena_copy(arena, part);
        if (out->items[i] == NULL)
            break;
        out->count++;
    }
    if (out->count != parts)
        return error_set_errno(err, ENOMEM, "configuration");
    return 0;
}

static bool
made_of(const char *text, const char *extra)
{
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (!ascii_is_alpha(*text) && !ascii_is_digit(*text) &&
            strchr(extra, *text) == NULL)
            return false;
    }
    return true;
}

/* service@host, as GSS_C_NT_HOSTBASED_SERVICE wants it (RFC 2743 4.1). */
static int
check_acceptor(const char *text, struct error *err)
{
    const char *at = strchr(text, '@');

    if (at == NULL || at == text || strchr(text, '/') != NULL ||
        !made_of(at + 1, ".-"))
        return error_set(err,
                         "'%s' is no service@host, such as "
                         "HTTP@gw.example.com",
                         text);
    return 0;
}

int
value_acceptors(struct arena *arena, const struct key *key, void *structure,
                const char *text, struct error *err)
{
    struct config *c = structure;
    struct value_list list;

    (void)key;
    if (value_split(arena, text, &list, err) < 0)
        return -1;
    for (size_t i = 0; i < list.count; i++) {
        if (check_acceptor(list.items[i], err) < 0)
            return -1;
    }
    c->acceptor_count = list.count;
    c->acceptors = list.items;
    c->secure_host = strchr(list.items[0], '@') + 1;
    return 0;
}

int
value_realms(struct arena *arena, const struct key *key, void *structure,
             const char *text, struct error *err)
{
    struct config *c = structure;
    struct value_list list;

    (void)key;
    if (value_split(arena, text, &list, err) < 0)
        return -1;
    for (size_t i = 0; i < list.count; i++) {
        if (strpbrk(list.items[i], "@/\\* ") != NULL)
            return error_set(err, "'%s' is no realm's name", list.items[i]);
    }
    c->realm_count = list.count;
    c->realms = list.items;
    return 0;
}

/* name@REALM and nothing that could be read in two ways (threat 11). */
static int
check_principal(const char *text, bool wildcard, struct error *err)
{
    const char *at = strchr(text, '@');

    if (strncmp(text, "group:", 6) == 0) {
        if (text[6] == '\0' || at != NULL)
            return error_set(err, "'%s' names no group", text);
        return 0;
    }
    if (at == NULL || at == text || at[1] == '\0' ||
        strpbrk(at + 1, "@/*") != NULL || strpbrk(text, "\\ \t") != NULL)
        return error_set(err,
                         "'%s' is no whole principal name, such as "
                         "ops@EXAMPLE.COM",
                         text);
    if (memchr(text, '*', (size_t)(at - text)) != NULL &&
        (!wildcard || at != text + 1))
        return error_set(err,
                         "'%s': '*' stands for everyone of a realm and "
                         "only so in an access section: *@REALM",
                         text);
    return 0;
}

static int
principals(struct arena *arena, const char *text, bool wildcard,
           struct value_list *list, struct error *err)
{
    if (value_split(arena, text, list, err) < 0)
        return -1;
    for (size_t i = 0; i < list->count; i++) {
        if (check_principal(list->items[i], wildcard, err) < 0)
            return -1;
    }
    return 0;
}

int
value_principal(struct arena *arena, const struct key *key, void *structure,
                const char *text, struct error *err)
{
    if (strncmp(text, "group:", 6) == 0)
        return error_set(err, "must be one principal, not a group");
    if (check_principal(text, false, err) < 0)
        return -1;
    return keep_text(arena, span_of(text), FIELD(structure, key, const char *),
                     err);
}

int
value_operators(struct arena *arena, const struct key *key, void *structure,
                const char *text, struct error *err)
{
    struct config *c = structure;
    struct value_list list;

    (void)key;
    if (principals(arena, text, false, &list, err) < 0)
        return -1;
    c->operator_count = list.count;
    c->operators = list.items;
    return 0;
}

int
value_principals(struct arena *arena, const struct key *key, void *structure,
                 const char *text, struct error *err)
{
    struct access_list *access = structure;
    struct value_list list;

    (void)key;
    if (principals(arena, text, true, &list, err) < 0)
        return -1;
    access->count = list.count;
    access->principals = list.items;
    return 0;
}

int
value_local_users(struct arena *arena, const struct key *key, void *structure,
                  const char *text, struct error *err)
{
    struct config_listener *l = structure;
    struct value_list list;
    uint32_t *uids;

    (void)key;
    if (value_split(arena, text, &list, err) < 0)
        return -1;
    uids = arena_array(arena, list.count, sizeof(*uids));
    if (uids == NULL)
        return error_set_errno(err, ENOMEM, "configuration");
    for (size_t i = 0; i < list.count; i++) {
        if (value_user(list.items[i], &uids[i], err) < 0)
            return -1;
    }
    l->local_user_count = list.count;
    l->local_uids = uids;
    return 0;
}

/* -- namespaces ---------------------------------------------------------- */

int
value_enforcement(struct arena *arena, const struct key *key, void *structure,
                  const char *text, struct error *err)
{
    struct config_namespace *n = structure;

    (void)arena;
    (void)key;
    n->audit = strcmp(text, "audit") == 0;
    if (!n->audit && strcmp(text, "enforce") != 0)
        return error_set(err, "must be enforce or audit");
    return 0;
}

int
value_until(struct arena *arena, const struct key *key, void *structure,
            const char *text, struct error *err)
{
    struct config_namespace *n = structure;
    int64_t day = clock_parse_date(text);

    (void)arena;
    (void)key;
    if (day < 0)
        return error_set(err, "must be a day, YYYY-MM-DD");
    n->audit_until_us = day + INT64_C(86400) * 1000000 - 1;
    return 0;
}
