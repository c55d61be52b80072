/* The list of files that make a repository anew, and making it anew. */
#include "policy/library/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/decision/decision.h"

#define NEW_FILE   POLICY_RECOVER_FILE ".new"
#define HEADER     "# nsgate autorecover 1 generation "
#define LIST_BYTES ((size_t)16 * 1024 * 1024)

struct recover_list {
    const char *state_dir;
    bool in_place; /* files that are on the list already keep their place */
    struct arena *arena;
    struct policy_source *sources;
    size_t count;
};

/* -- files ------------------------------------------------------------------ */

static int
path_of(char to[512], const char *state_dir, const char *name,
        struct error *err)
{
    int n = snprintf(to, 512, "%s/%s", state_dir, name);

    return n > 0 && n < 512
               ? 0
               : error_set(err, "%s: the path is too long", state_dir);
}

/* The whole of a file of at most so many bytes. */
static int
file_read(const char *path, size_t most, struct buf *out, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char part[65536];
    struct stat st;
    ssize_t n = 0;

    if (fd < 0 || fstat(fd, &st) < 0) {
        error_set_errno(err, errno, "%s", path);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    while (S_ISREG(st.st_mode) && out->length <= most &&
           (n = read(fd, part, sizeof(part))) != 0)
    {
        if (n > 0)
            buf_add(out, part, (size_t)n);
        else if (errno != EINTR)
            break;
    }
    if (n < 0)
        error_set_errno(err, errno, "%s", path);
    close(fd);
    if (n < 0)
        return -1;
    if (!S_ISREG(st.st_mode) || out->length > most || buf_failed(out))
        return error_set(err, "%s: %s", path,
                         !S_ISREG(st.st_mode) ? "not a regular file"
                                              : "too large");
    return 0;
}

static int
file_digest(const char *path, char digest[SHA256_TEXT_LENGTH + 1],
            struct error *err)
{
    struct buf bytes = BUF_INIT;
    int r = file_read(path, SIZE_MAX / 2, &bytes, err);

    if (r == 0)
        sha256_text(bytes.length > 0 ? bytes.data : "", bytes.length, digest);
    buf_fini(&bytes);
    return r;
}

int
policy_source_check(const struct policy_source *source, struct error *err)
{
    char digest[SHA256_TEXT_LENGTH + 1];

    if (file_digest(source->path, digest, err) < 0)
        return -1;
    return strcmp(digest, source->digest) == 0;
}

/* -- the text --------------------------------------------------------------- */

/* One path a line: control characters and '%' are written %XX. */
static void
path_add(struct buf *out, const char *path)
{
    for (; *path != '\0'; path++) {
        unsigned char c = (unsigned char)*path;

        if (c < 0x20 || c == 0x7f || c == '%')
            buf_addf(out, "%%%02X", c);
        else
            buf_add_char(out, *path);
    }
}

static const char *
path_take(struct span text, struct arena *arena)
{
    char *path = arena_copy(arena, text), *to = path;

    for (size_t i = 0; path != NULL && i < text.length; i++) {
        char c = text.data[i];

        if (c == '%' && i + 2 < text.length + 0 &&
            ascii_hex_value(text.data[i + 1]) >= 0 &&
            ascii_hex_value(text.data[i + 2]) >= 0)
        {
            c = (char)(ascii_hex_value(text.data[i + 1]) * 16 +
                       ascii_hex_value(text.data[i + 2]));
            i += 2;
        }
        *to++ = c;
    }
    if (path != NULL)
        *to = '\0';
    return path;
}

static void
source_add(struct buf *out, const struct policy_source *s)
{
    buf_addf(out, "%s\t%s\t", s->is_included ? "include" : "file", s->digest);
    path_add(out, s->path);
    buf_add_char(out, '\n');
}

/* False: it is no line of ours. */
static bool
source_take(struct span line, struct arena *arena, struct policy_source *out)
{
    struct span rest, kind = span_cut(line, '\t', &rest), digest;

    digest = rest.data != NULL ? span_cut(rest, '\t', &rest) : rest;
    if (rest.data == NULL || rest.length == 0 || rest.data[0] != '/' ||
        digest.length != SHA256_TEXT_LENGTH)
        return false;
    out->is_included = span_equal(kind, SPAN("include"));
    out->digest = arena_copy(arena, digest);
    out->path = path_take(rest, arena);
    return (out->is_included || span_equal(kind, SPAN("file"))) &&
           out->digest != NULL && out->path != NULL;
}

/* The generation in the first line; false: it is no list. */
static bool
header_take(struct span line, uint64_t *generation_out)
{
    struct span header = SPAN(HEADER);
    char digits[24], *end;

    if (!span_starts_nocase(line, header) ||
        line.length - header.length >= sizeof(digits))
        return false;
    line = span_skip(line, header.length);
    memcpy(digits, line.data, line.length);
    digits[line.length] = '\0';
    *generation_out = strtoull(digits, &end, 10);
    return line.length > 0 && *end == '\0';
}

/* 1 read, 0 there is none, -1 it can't be read. */
static int
list_read(const char *state_dir, const char *name, struct arena *arena,
          struct policy_source **sources_out, size_t *count_out,
          uint64_t *generation_out, struct error *err)
{
    struct buf text = BUF_INIT;
    struct error why = {0};
    struct span rest, line;
    char path[512];
    size_t most = 1;
    int r;

    *count_out = 0;
    if (path_of(path, state_dir, name, err) < 0)
        return -1;
    r = file_read(path, LIST_BYTES, &text, &why);
    if (r < 0) {
        buf_fini(&text);
        if (why.code != -ENOENT && err != NULL)
            *err = why;
        return why.code == -ENOENT ? 0 : -1;
    }
    for (size_t i = 0; i < text.length; i++)
        most += text.data[i] == '\n';
    *sources_out = arena_array(arena, most, sizeof(**sources_out));
    line = span_cut(buf_span(&text), '\n', &rest);
    r = *sources_out != NULL && header_take(line, generation_out) ? 1 : -1;
    while (r > 0 && rest.length > 0) {
        line = span_cut(rest, '\n', &rest);
        if (source_take(line, arena, &(*sources_out)[*count_out]))
            ++*count_out;
        else
            r = -1;
    }
    buf_fini(&text);
    return r > 0 ? 1
                 : error_set(err, "%s is damaged behind its first %zu files",
                             path, *count_out);
}

/* Was the compile of that generation committed?  The image comes behind the
 * commit, and where it is missing or behind the repository knows. */
static bool
is_committed(const char *state_dir, uint64_t generation)
{
    struct policy_image *image;
    struct repository *repo;
    uint64_t found = 0;

    if (policy_image_open(state_dir, &image, NULL) == 0) {
        found = policy_image_generation(image);
        policy_image_unref(image);
    }
    if (found < generation &&
        repository_open(state_dir, REPOSITORY_READ, &repo, NULL) == 0)
    {
        if (repository_read_begin(repo, &found, NULL) == 0)
            repository_read_end(repo);
        repository_close(repo);
    }
    return found >= generation;
}

int
policy_recover_list(const char *state_dir, struct arena *arena,
                    struct policy_source **sources_out, size_t *count_out,
                    struct error *err)
{
    uint64_t generation;
    int r = list_read(state_dir, NEW_FILE, arena, sources_out, count_out,
                      &generation, NULL);

    if (r > 0 && is_committed(state_dir, generation))
        return 0;
    r = list_read(state_dir, POLICY_RECOVER_FILE, arena, sources_out,
                  count_out, &generation, err);
    return r < 0 ? -1 : 0;
}

/* -- writing it ------------------------------------------------------------- */

static int
write_owned(int fd, const char *state_dir, struct span text, const char *path,
            struct error *err)
{
    struct stat to;
    ssize_t n = 0;

    while (text.length > 0 &&
           ((n = write(fd, text.data, text.length)) >= 0 || errno == EINTR))
        text = span_skip(text, n > 0 ? (size_t)n : 0);
    if (text.length > 0 || stat(state_dir, &to) < 0 || fchmod(fd, 0640) < 0 ||
        (geteuid() == 0 && fchown(fd, to.st_uid, to.st_gid) < 0) ||
        fsync(fd) < 0)
        return error_set_errno(err, errno, "%s", path);
    return 0;
}

static int
new_write(const char *state_dir, struct span text, struct error *err)
{
    char path[512];
    int fd, r;

    if (path_of(path, state_dir, NEW_FILE, err) < 0)
        return -1;
    unlink(path);
    fd =
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", path);
    r = write_owned(fd, state_dir, text, path, err);
    if (close(fd) < 0 && r == 0)
        r = error_set_errno(err, errno, "%s", path);
    if (r < 0)
        unlink(path);
    return r;
}

int
recover_activate(const char *state_dir, struct error *err)
{
    char from[512], to[512];
    int fd, r;

    if (path_of(from, state_dir, NEW_FILE, err) < 0 ||
        path_of(to, state_dir, POLICY_RECOVER_FILE, err) < 0)
        return -1;
    if (rename(from, to) < 0)
        return error_set_errno(err, errno, "%s", from);
    fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    r = fd < 0 || fsync(fd) < 0 ? error_set_errno(err, errno, "%s", state_dir)
                                : 0;
    if (fd >= 0)
        close(fd);
    return r;
}

void
recover_discard(const char *state_dir)
{
    char path[512];

    if (path_of(path, state_dir, NEW_FILE, NULL) == 0)
        unlink(path);
}

int
recover_settle(const char *state_dir, uint64_t generation, struct error *err)
{
    struct arena *arena = arena_new();
    struct policy_source *sources;
    uint64_t belongs = 0;
    size_t count;
    int r;

    if (arena == NULL)
        return error_set_errno(err, ENOMEM, "%s", state_dir);
    /* Half a list was never part of a commit. */
    r = list_read(state_dir, NEW_FILE, arena, &sources, &count, &belongs, err);
    arena_free(arena);
    if (r > 0 && belongs == generation)
        return recover_activate(state_dir, err);
    if (r != 0)
        recover_discard(state_dir);
    return 0;
}

/* Of the new list, the file with that path and what it includes. */
static size_t
find(const struct recover_list *list, const char *path)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!list->sources[i].is_included &&
            strcmp(list->sources[i].path, path) == 0)
            return i;
    }
    return SIZE_MAX;
}

static void
group_add(struct buf *out, const struct policy_source *sources, size_t count,
          size_t first)
{
    source_add(out, &sources[first]);
    for (size_t i = first + 1; i < count && sources[i].is_included; i++)
        source_add(out, &sources[i]);
}

/* What is on the list, then what is new.  A file that is compiled again goes
 * to the end, because what it says now comes last. */
static void
merge(const struct recover_list *list, const struct policy_source *old,
      size_t old_count, struct buf *out)
{
    for (size_t i = 0; i < old_count; i++) {
        size_t at;

        if (old[i].is_included)
            continue;
        at = find(list, old[i].path);
        if (at == SIZE_MAX)
            group_add(out, old, old_count, i);
        else if (list->in_place)
            group_add(out, list->sources, list->count, at);
    }
    for (size_t i = 0; i < list->count; i++) {
        bool listed = false;

        for (size_t n = 0; list->in_place && n < old_count; n++)
            listed |= !old[n].is_included &&
                      strcmp(old[n].path, list->sources[i].path) == 0;
        if (!list->sources[i].is_included && !listed)
            group_add(out, list->sources, list->count, i);
    }
}

int
recover_prepare(struct recover_list *list, uint64_t generation,
                struct error *err)
{
    struct buf text = BUF_INIT;
    struct policy_source *old = NULL;
    uint64_t before;
    size_t count;
    int r;

    if (list_read(list->state_dir, POLICY_RECOVER_FILE, list->arena, &old,
                  &count, &before, err) < 0)
        return -1;
    buf_addf(&text, HEADER "%" PRIu64 "\n", generation);
    merge(list, old, count, &text);
    r = buf_failed(&text) ? error_set_errno(err, ENOMEM, "%s", list->state_dir)
                          : new_write(list->state_dir, buf_span(&text), err);
    buf_fini(&text);
    return r;
}

/* -- what a compile adds ---------------------------------------------------- */

static int
collect_one(struct recover_list *list, const struct mof_source *source,
            struct error *err)
{
    struct policy_source *s = &list->sources[list->count];
    char digest[SHA256_TEXT_LENGTH + 1];
    char *absolute = realpath(source->name, NULL);

    if (absolute == NULL)
        return error_set_errno(err, errno, "%s can't be put on the list",
                               source->name);
    s->is_included = source->is_included;
    s->path = arena_copy(list->arena, span_of(absolute));
    free(absolute);
    if (s->path == NULL)
        return error_set_errno(err, ENOMEM, "autorecover");
    if (file_digest(s->path, digest, err) < 0)
        return -1;
    s->digest = arena_copy(list->arena, span_of(digest));
    if (s->digest == NULL)
        return error_set_errno(err, ENOMEM, "autorecover");
    if (s->is_included || find(list, s->path) == SIZE_MAX)
        list->count++;
    return 0;
}

static int
collect(struct recover_list *list, const struct mof_compilation *mof,
        bool every, struct error *err)
{
    struct mof_source source;
    size_t count = 0;
    bool wanted = false;

    while (mof_source_at(mof, count, &source))
        count++;
    list->sources =
        arena_array(list->arena, count + 1, sizeof(*list->sources));
    if (list->sources == NULL)
        return error_set_errno(err, ENOMEM, "autorecover");
    for (size_t i = 0; mof_source_at(mof, i, &source); i++) {
        if (!source.is_included && source.is_file)
            wanted = every || source.autorecover;
        else if (!source.is_included)
            wanted = false;
        if (wanted && collect_one(list, &source, err) < 0)
            return -1;
    }
    return 0;
}

int
recover_collect(const struct mof_compilation *mof,
                const struct policy_compile_options *options,
                struct recover_list **out, struct error *err)
{
    struct recover_list *list;
    int r;

    *out = NULL;
    if (options->forget || (!mof_unit(mof)->autorecover &&
                            !options->autorecover && !options->recover))
        return 0;
    list = calloc(1, sizeof(*list));
    if (list == NULL)
        return error_set_errno(err, ENOMEM, "autorecover");
    list->state_dir = options->state_dir;
    list->in_place = options->recover;
    list->arena = arena_new();
    r = list->arena != NULL
            ? collect(list, mof, options->autorecover || options->recover, err)
            : error_set_errno(err, ENOMEM, "autorecover");
    if (r < 0 || list->count == 0)
        recover_free(list);
    else
        *out = list;
    return r;
}

void
recover_free(struct recover_list *list)
{
    if (list == NULL)
        return;
    arena_free(list->arena);
    free(list);
}

/* -- making it anew --------------------------------------------------------- */

/* Only damage counts: what can't be read today is not thrown away. */
int
recover_damaged(const struct policy_compile_options *options,
                struct error *err)
{
    struct repository *repo;
    char path[512];
    bool missing;
    struct error why = {0};
    int r;

    if (path_of(path, options->state_dir, REPOSITORY_FILE, err) < 0)
        return -1;
    missing = access(path, F_OK) != 0;
    r = repository_open(options->state_dir, REPOSITORY_WRITE, &repo, &why);
    if (r == 0)
        r = repository_check(repo, &why);
    repository_close(repo);
    if (r == 0)
        return missing;
    if (why.code != -EILSEQ) {
        *err = why;
        return -1;
    }
    r = repository_set_aside(
        options->state_dir,
        options->turn_timeout_ms > 0 ? options->turn_timeout_ms : 60000, err);
    return r < 0 ? -1 : 1;
}

int
recover_clear(struct repository *repo, const char *state_dir,
              struct error *err)
{
    struct policy_image *image = NULL;
    uint64_t generation = 0;

    /* A new file begins behind the image, which else were of its future. */
    if (policy_image_open(state_dir, &image, NULL) == 0)
        generation = policy_image_generation(image);
    policy_image_unref(image);
    return repository_clear(repo, generation, err);
}

struct weaker {
    struct repository *repo;
    bool (*visit)(void *arg, struct span display);
    void *arg;
    struct error *err;
    bool failed;
};

static bool
weaker_visit(void *arg, const struct policy_entry *entry)
{
    struct weaker *w = arg;
    struct repository_namespace now;
    struct namespace_path path;
    int r;

    if (entry->required_level < AUTHN_LEVEL_PKT_PRIVACY ||
        namespace_path_parse(&path, entry->display, NULL) != NAMESPACE_PATH_OK)
        return true;
    r = repository_namespace_find(w->repo, &path, &now, w->err);
    w->failed |= r < 0;
    /* One that is gone would be made anew without, by its next compile. */
    if (r == 0 || (r > 0 && !now.requires_encryption))
        return w->visit(w->arg, entry->display);
    return r >= 0;
}

int
policy_compile_each_weaker(struct policy_compile *c,
                           bool (*visit)(void *arg, struct span display),
                           void *arg, struct error *err)
{
    struct weaker w = {.repo = policy_compile_repository(c),
                       .visit = visit,
                       .arg = arg,
                       .err = err};
    struct policy_image *image;

    /* Without an image nothing is in force. */
    if (policy_image_open(policy_compile_state_dir(c), &image, NULL) < 0)
        return 0;
    policy_image_each(image, weaker_visit, &w);
    policy_image_unref(image);
    return w.failed ? -1 : 0;
}
