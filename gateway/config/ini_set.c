#include "gateway/config/ini_set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini_configobj.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scan {
    struct ini_set *set;
    struct ini_cfgobj *ini;
    const char *file; /* in the arena: entries of one file share it */
    unsigned line;
    bool in_section;             /* a header was seen */
    const char *raw_section;     /* as libini_config knows it */
    struct ini_section *section; /* NULL: skipped */
};

int
ini_set_init(struct ini_set *set, struct arena *arena, struct error *err)
{
    *set = (struct ini_set){.arena = arena, .index = strmap_new()};
    if (set->index == NULL)
        return error_set_errno(err, ENOMEM, "configuration");
    return 0;
}

void
ini_set_fini(struct ini_set *set)
{
    strmap_free(set->index);
    set->index = NULL;
}

const struct ini_section *
ini_set_find(const struct ini_set *set, enum section_kind kind)
{
    const struct ini_section *s = set->first;

    while (s != NULL && s->kind != kind)
        s = s->next;
    return s;
}

const struct ini_entry *
ini_section_entry(const struct ini_section *s, const char *key)
{
    for (size_t i = 0; s != NULL && i < s->count; i++) {
        if (strcmp(s->entries[i].key->name, key) == 0)
            return &s->entries[i];
    }
    return NULL;
}

static int
scan_error(const struct scan *scan, struct error *err)
{
    return error_prefix(err, "%s:%u", scan->file, scan->line);
}

/* What makes two headers the same section: the kind, and the canonical
 * namespace or the name. */
static char *
section_identity(struct arena *arena, const struct ini_section *s,
                 struct span name)
{
    struct buf b = BUF_INIT;
    char *identity = NULL;

    buf_addf(&b, "%d/", (int)s->kind);
    buf_add_span(&b, s->ns.length > 0 ? namespace_path_span(&s->ns) : name);
    if (!buf_failed(&b))
        identity = arena_copy(arena, buf_span(&b));
    buf_fini(&b);
    return identity;
}

/* The name must say something usable. */
static int
section_check_name(struct ini_section *s, struct span name, struct error *err)
{
    if (s->kind == SECTION_ACCESS || s->kind == SECTION_NAMESPACE) {
        if (namespace_path_parse(&s->ns, name, err) != NAMESPACE_PATH_OK)
            return -1;
    }
    if (s->kind == SECTION_LISTENER || s->kind == SECTION_ROUTE) {
        for (size_t i = 0; i < name.length; i++) {
            char c = name.data[i];

            if (!ascii_is_alpha(c) && !ascii_is_digit(c) &&
                strchr("._-", c) == NULL)
                return error_set(err,
                                 "a %s's name is made of letters, digits, "
                                 "'.', '_' and '-'",
                                 s->kind == SECTION_ROUTE ? "route"
                                                          : "listener");
        }
    }
    return 0;
}

/* A header: finds the section that an earlier one began, or begins it. */
static int
scan_section(struct scan *scan, struct span text, struct error *err)
{
    struct ini_set *set = scan->set;
    struct ini_section *s, *known;
    struct span name = {NULL, 0};
    enum section_kind kind;
    char *identity;

    scan->in_section = true;
    scan->section = NULL;
    scan->raw_section = arena_copy(set->arena, text);
    s = arena_alloc(set->arena, sizeof(*s));
    if (s == NULL || scan->raw_section == NULL)
        return error_set_errno(err, ENOMEM, "configuration");
    if (set->wants != NULL)
        err = NULL;
    kind = section_parse(text, &name, err);
    if (kind == SECTION_NONE)
        return set->wants != NULL ? 0 : -1;
    s->kind = kind;
    if (section_check_name(s, name, err) < 0)
        return set->wants != NULL ? 0 : -1;
    identity = section_identity(set->arena, s, name);
    s->name = arena_copy(set->arena, name);
    if (identity == NULL || s->name == NULL)
        return error_set_errno(err, ENOMEM, "configuration");
    known = strmap_get(set->index, span_of(identity));
    if (known != NULL) {
        scan->section = known;
        return 0;
    }
    s->file = scan->file;
    s->line = scan->line;
    if (!strmap_put(set->index, span_of(identity), s))
        return error_set_errno(err, ENOMEM, "configuration");
    if (set->last != NULL)
        set->last->next = s;
    else
        set->first = s;
    set->last = s;
    set->counts[kind]++;
    scan->section = s;
    return 0;
}

/* The entry to fill: the one of an earlier file, or a new one. */
static struct ini_entry *
section_slot(struct arena *arena, struct ini_section *s, const struct key *key)
{
    struct ini_entry *grown;

    for (size_t i = 0; i < s->count; i++) {
        if (s->entries[i].key == key)
            return &s->entries[i];
    }
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 4;
        grown = arena_array(arena, s->capacity, sizeof(*grown));
        if (grown == NULL)
            return NULL;
        if (s->count > 0)
            memcpy(grown, s->entries, s->count * sizeof(*grown));
        s->entries = grown;
    }
    return &s->entries[s->count++];
}

/* libini_config keeps "value ; comment" whole: whoever wrote that did not
 * mean it. */
static int
check_inline_comment(const char *value, struct error *err)
{
    for (const char *p = value; *p != '\0'; p++) {
        if ((*p == ';' || *p == '#') &&
            (p == value || p[-1] == ' ' || p[-1] == '\t'))
            return error_set(err,
                             "'%c' begins no comment here: comments stand on "
                             "lines of their own",
                             *p);
    }
    return 0;
}

static const char *
scan_value(struct scan *scan, const char *raw_key, struct error *err)
{
    struct value_obj *found = NULL;
    char *text = NULL;
    const char *kept = NULL;
    int rc;

    rc = ini_get_config_valueobj(scan->raw_section, raw_key, scan->ini,
                                 INI_GET_FIRST_VALUE, &found);
    if (rc == 0 && found != NULL)
        text = ini_get_string_config_value(found, &rc);
    if (text == NULL) {
        error_set(err, "%s: not understood", raw_key);
        return NULL;
    }
    kept = arena_copy(scan->set->arena, span_of(text));
    free(text);
    if (kept == NULL)
        error_set_errno(err, ENOMEM, "configuration");
    return kept;
}

static int
scan_key(struct scan *scan, struct span name, struct error *err)
{
    struct ini_section *s = scan->section;
    struct arena *arena = scan->set->arena;
    bool (*wants)(const struct key *) = scan->set->wants;
    const struct key *key;
    struct ini_entry *e;
    char *raw_key;

    if (!scan->in_section)
        return error_set(err, "a key before the first [section]");
    key = s != NULL ? key_find(s->kind, name) : NULL;
    if (wants != NULL && (key == NULL || !wants(key)))
        return 0;
    if (key == NULL)
        return error_set(err, "unknown key '%.*s' in %s",
                         (int)(name.length > 80 ? 80 : name.length), name.data,
                         section_form(s->kind));
    raw_key = arena_copy(arena, name);
    e = section_slot(arena, s, key);
    if (raw_key == NULL || e == NULL)
        return error_set_errno(err, ENOMEM, "configuration");
    e->key = key;
    if (e->file == scan->file)
        return error_set(err, "%s is already set at line %u", key->name,
                         e->line);
    e->value = scan_value(scan, raw_key, err);
    if (e->value == NULL)
        return -1;
    e->file = scan->file;
    e->line = scan->line;
    if (check_inline_comment(e->value, err) < 0)
        return error_prefix(err, "%s", key->name);
    if (e->value[0] == '\0')
        return error_set(err,
                         "%s: no value; leave the line out for the "
                         "default",
                         key->name);
    return 0;
}

static int
scan_line(struct scan *scan, struct span line, struct error *err)
{
    struct span text = span_trim(line), rest;

    if (text.length == 0 || line.data[0] == '#' || line.data[0] == ';')
        return 0;
    if (text.data[0] == '[') {
        text = span_skip(text, 1);
        if (text.length > 0 && text.data[text.length - 1] == ']')
            text.length--;
        return scan_section(scan, span_trim(text), err);
    }
    return scan_key(scan, span_trim(span_cut(text, '=', &rest)), err);
}

/* What no editor writes and what would make our lines differ from the
 * parser's. */
static int
check_bytes(struct scan *scan, struct span text, struct error *err)
{
    struct span rest = text;

    scan->line = 1;
    while (rest.length > 0) {
        unsigned char c = (unsigned char)rest.data[0];
        size_t n = utf8_sequence_length(rest);

        if (n == 0)
            return error_set(err, "not UTF-8");
        if (c == '\n')
            scan->line++;
        else if (c == '\r' && rest.length > 1 && rest.data[1] == '\n')
            ;
        else if ((c < 0x20 && c != '\t') || c == 0x7f)
            return error_set(err, "control character 0x%02x", c);
        rest = span_skip(rest, n);
    }
    return 0;
}

static int
scan_lines(struct scan *scan, struct span text, struct error *err)
{
    scan->line = 0;
    while (text.length > 0) {
        struct span line = span_cut(text, '\n', &text);

        scan->line++;
        if (line.length > 0 && line.data[line.length - 1] == '\r')
            line.length--;
        if (line.length > 0 && scan_line(scan, line, err) < 0)
            return -1;
    }
    return 0;
}

/* "Error (5) on line 6: Equal sign is missing." as our kind of message. */
static int
parser_error(struct scan *scan, struct error *err)
{
    char **list = NULL;
    const char *line, *words = "not understood";
    int rc;

    scan->line = 1;
    if (ini_config_get_errors(scan->ini, &list) == 0 && list != NULL &&
        list[0] != NULL)
    {
        line = strstr(list[0], "on line ");
        if (line != NULL)
            scan->line = (unsigned)strtoul(line + 8, NULL, 10);
        words = strchr(list[0], ':');
        words = words != NULL ? words + 1 + strspn(words + 1, " ") : list[0];
    }
    rc = error_set(err, "%.*s", (int)strcspn(words, ".\n"), words);
    if (list != NULL)
        ini_config_free_errors(list);
    return rc;
}

static int
parse_text(struct scan *scan, struct span text, struct error *err)
{
    struct ini_cfgfile *memory = NULL;
    int rc = -1;

    if (ini_config_create(&scan->ini) != 0 ||
        ini_config_file_from_mem((void *)(uintptr_t)text.data,
                                 (uint32_t)text.length, &memory) != 0)
    {
        error_set_errno(err, ENOMEM, "configuration");
        goto out;
    }
    if (ini_config_parse(memory, INI_STOP_ON_ANY,
                         INI_MV1S_ALLOW | INI_MV2S_ALLOW | INI_MS_MERGE,
                         INI_PARSE_NOWRAP | INI_PARSE_NO_C_COMMENTS,
                         scan->ini) != 0)
        rc = parser_error(scan, err);
    else
        rc = 0;
out:
    ini_config_file_destroy(memory);
    return rc;
}

int
ini_set_add(struct ini_set *set, const char *file, struct span text,
            struct error *err)
{
    struct scan scan = {.set = set};
    int rc = -1;

    scan.file = arena_copy(set->arena, span_of(file));
    if (scan.file == NULL)
        return error_set_errno(err, ENOMEM, "configuration");
    if (set->main_file == NULL)
        set->main_file = scan.file;
    if (text.length >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        text = span_skip(text, 3);
    if (text.length == 0)
        return 0;
    if (check_bytes(&scan, text, err) == 0 &&
        parse_text(&scan, text, err) == 0)
        rc = scan_lines(&scan, text, err);
    if (rc < 0)
        scan_error(&scan, err);
    if (scan.ini != NULL)
        ini_config_destroy(scan.ini);
    return rc;
}

static int
read_all(int fd, struct buf *out)
{
    char chunk[16384];
    ssize_t n;

    do {
        n = read(fd, chunk, sizeof(chunk));
        if (n > 0)
            buf_add(out, chunk, (size_t)n);
    } while ((n > 0 && out->length <= INI_FILE_MAX) ||
             (n < 0 && errno == EINTR));
    return n < 0 ? -1 : 0;
}

static int
read_file(struct ini_set *set, const char *path, struct error *err)
{
    struct buf text = BUF_INIT;
    struct stat st;
    int fd, rc = -1;

    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", path);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        error_set(err, "%s: not a regular file", path);
    else if (st.st_mode & S_IWOTH)
        error_set(err, "%s: writable by everyone", path);
    else if (read_all(fd, &text) < 0)
        error_set_errno(err, errno, "%s", path);
    else if (buf_failed(&text))
        error_set_errno(err, ENOMEM, "%s", path);
    else if (text.length > INI_FILE_MAX)
        error_set(err, "%s: larger than %u bytes", path, INI_FILE_MAX);
    else
        rc = ini_set_add(set, path, buf_span(&text), err);
    close(fd);
    buf_fini(&text);
    return rc;
}

static int
is_snippet(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > 5 &&
           strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int
read_snippets(struct ini_set *set, const char *path, struct error *err)
{
    char *copy = strdup(path);
    struct dirent **names = NULL;
    struct buf file = BUF_INIT, folder = BUF_INIT;
    int count = -1, rc = 0;

    buf_addf(&folder, "%s/conf.d", copy != NULL ? dirname(copy) : "");
    if (copy != NULL && !buf_failed(&folder))
        count = scandir(folder.data, &names, is_snippet, by_bytes);
    if (count < 0 && errno != ENOENT && errno != ENOTDIR)
        rc = error_set_errno(err, errno, "%s", folder.data);
    for (int i = 0; i < count; i++) {
        if (rc == 0) {
            buf_reset(&file);
            buf_addf(&file, "%s/%s", folder.data, names[i]->d_name);
            rc = buf_failed(&file) ? error_set_errno(err, ENOMEM, "conf.d")
                                   : read_file(set, file.data, err);
        }
        free(names[i]);
    }
    free(names);
    free(copy);
    buf_fini(&file);
    buf_fini(&folder);
    return rc;
}

int
ini_set_read(struct ini_set *set, const char *path, struct error *err)
{
    if (read_file(set, path, err) < 0)
        return -1;
    return read_snippets(set, path, err);
}
