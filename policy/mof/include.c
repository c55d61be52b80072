#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/mof/nocase.h"
#include "policy/mof/parser.h"
#include "policy/mof/report.h"

/*
 * #pragma include: relative to the including file, then the directories of
 * -I.  What a text may pull in lies below the directory of the file that was
 * named on the command line or below one of -I; a link out of there is
 * outside.  A text that is no file has the -I directories only.
 */

struct request {
    struct parser *p;
    struct at at;
    char name[PATH_MAX]; /* as written, with '/' */
    char canonical[PATH_MAX];
    const char *shown;
};

static bool
refuse(const struct request *r, const char *why)
{
    report_error(r->p->c, r->at, CODE_ERROR_INVALID_INCLUDE_FILE,
                 "include of '%.200s': %s", r->name, why);
    return false;
}

/* In an include a backslash separates directories (OpenPegasus' schemas);
 * two of them, an escape, are one separator as well. */
static bool
name_read(struct request *r, struct span text)
{
    size_t out = 0;

    if (text.length == 0 || text.length >= sizeof(r->name))
        return refuse(r, "not the name of a file");
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i] == '\\' ? '/' : text.data[i];

        if ((unsigned char)c < 0x20)
            return refuse(r, "a name can't hold a control character");
        if (c == '/' && out > 0 && r->name[out - 1] == '/')
            continue;
        r->name[out++] = c;
    }
    r->name[out] = '\0';
    return true;
}

static bool
is_below(const char *path, const char *directory)
{
    size_t n = strlen(directory);

    if (strncmp(path, directory, n) != 0)
        return false;
    return path[n] == '/' || (n > 0 && directory[n - 1] == '/');
}

static bool
is_allowed(const struct request *r)
{
    const struct mof_options *options = &r->p->c->options;
    char root[PATH_MAX];

    if (r->p->scope->root != NULL && is_below(r->canonical, r->p->scope->root))
        return true;
    for (size_t i = 0; i < options->include_count; i++) {
        if (realpath(options->include_directories[i], root) != NULL &&
            is_below(r->canonical, root))
            return true;
    }
    return false;
}

/* directory/name, NULL for too long */
static char *
join(char out[PATH_MAX], const char *directory, const char *name)
{
    int n = directory[0] == '\0' || name[0] == '/'
                ? snprintf(out, PATH_MAX, "%s", name)
                : snprintf(out, PATH_MAX, "%s/%s", directory, name);

    return n >= 0 && n < PATH_MAX ? out : NULL;
}

static bool
found_in(struct request *r, const char *directory)
{
    char path[PATH_MAX];

    if (join(path, directory, r->name) != NULL &&
        realpath(path, r->canonical) != NULL)
        return true;
    return nocase_find(directory, r->name, path) &&
           realpath(path, r->canonical) != NULL;
}

/* The part of a path before its last '/', "" if there is none. */
static const char *
directory_of(struct mof_compilation *c, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    const char *copy = compilation_copy(c, (struct span){path, n});

    return copy != NULL ? copy : "";
}

static const char *
shown_join(struct mof_compilation *c, const char *directory, const char *name)
{
    char path[PATH_MAX];
    const char *copy;

    copy = compilation_copy(
        c, span_of(join(path, directory, name) != NULL ? path : name));
    return copy != NULL ? copy : "?";
}

/* A check of the syntax alone goes on without what is not there. */
static bool
missing_refuse(const struct request *r)
{
    const struct mof_options *options = &r->p->c->options;

    if (!options->syntax_only || options->strict)
        return refuse(r, "there is no such file");
    report_warning(r->p->c, MOF_WARNING_MISSING_INCLUDE, r->at,
                   "include of '%.200s': there is no such file; what it says "
                   "is not checked",
                   r->name);
    return false;
}

static bool
find(struct request *r)
{
    struct mof_compilation *c = r->p->c;
    const struct include_frame *frame = r->p->frame;

    if (frame->directory != NULL && found_in(r, frame->directory)) {
        r->shown = shown_join(c, directory_of(c, frame->shown), r->name);
        return true;
    }
    for (size_t i = 0; i < c->options.include_count; i++) {
        if (found_in(r, c->options.include_directories[i])) {
            r->shown =
                shown_join(c, c->options.include_directories[i], r->name);
            return true;
        }
    }
    if (frame->directory == NULL && c->options.include_count == 0)
        return refuse(r, "a text that is no file can't include one");
    return missing_refuse(r);
}

/* "a -> b -> a" for a file that is being read already. */
static bool
cycle_refuse(const struct request *r)
{
    const struct include_frame *chain[LIMIT_INCLUDE_DEPTH + 2];
    struct buf text = BUF_INIT;
    size_t n = 0;

    for (const struct include_frame *f = r->p->frame; f != NULL; f = f->above)
        chain[n++] = f;
    buf_add_string(&text, "the files include each other: ");
    while (n-- > 0) {
        buf_add_string(&text, chain[n]->shown);
        buf_add_string(&text, " -> ");
    }
    buf_add_string(&text, r->shown);
    if (buf_failed(&text))
        report_memory(r->p->c);
    else
        refuse(r, text.data);
    buf_fini(&text);
    return false;
}

static bool
limits_check(const struct request *r)
{
    struct mof_compilation *c = r->p->c;
    char text[80];

    for (const struct include_frame *f = r->p->frame; f != NULL; f = f->above)
    {
        if (f->path != NULL && strcmp(f->path, r->canonical) == 0)
            return cycle_refuse(r);
    }
    if (r->p->frame->depth >= LIMIT_INCLUDE_DEPTH)
        snprintf(text, sizeof(text), "includes are at most %d deep",
                 LIMIT_INCLUDE_DEPTH);
    else if (++c->include_files > LIMIT_INCLUDE_FILES)
        snprintf(text, sizeof(text), "at most %d includes in one compile",
                 LIMIT_INCLUDE_FILES);
    else
        return true;
    return refuse(r, text);
}

static const struct mof_include *
include_new(const struct request *r)
{
    struct mof_include *i = compilation_alloc(r->p->c, sizeof(*i));

    if (i == NULL)
        return NULL;
    i->where = report_location(r->at);
    i->from = r->at.source->included;
    return i;
}

static bool
read_and_parse(struct request *r)
{
    struct mof_compilation *c = r->p->c;
    struct include_frame frame = {.above = r->p->frame,
                                  .shown = r->shown,
                                  .depth = r->p->frame->depth + 1};
    struct source *source;
    struct error err;
    size_t length;
    char *bytes;

    if (source_read(r->canonical, &bytes, &length, &err) < 0)
        return refuse(r, err.text);
    c->include_bytes += length;
    if (c->include_bytes > LIMIT_INCLUDE_BYTES) {
        free(bytes);
        return refuse(r, "too much text is included");
    }
    source =
        compilation_source_new(c, r->shown, bytes, length, include_new(r));
    if (source == NULL)
        return true; /* reported, at its place in that file */
    frame.path = compilation_copy(c, span_of(r->canonical));
    frame.directory = directory_of(c, r->canonical);
    if (frame.path != NULL)
        parser_include(r->p, source, &frame);
    return true;
}

bool
include_parse(struct parser *p, const struct token *file)
{
    struct request r = {.p = p,
                        .at = parser_at_offset(p, file->offset, file->width)};

    if (!name_read(&r, file->text) || !find(&r))
        return false;
    if (!is_allowed(&r))
        return refuse(&r, "it lies outside of the file's directory and of "
                          "the directories of -I");
    return limits_check(&r) && read_and_parse(&r);
}

bool
include_frame_init(struct mof_compilation *c, struct include_frame *f,
                   const char *path)
{
    char canonical[PATH_MAX];

    if (strcmp(path, "-") == 0) {
        if (realpath(".", canonical) == NULL)
            return false;
        f->directory = compilation_copy(c, span_of(canonical));
        return f->directory != NULL;
    }
    if (realpath(path, canonical) == NULL)
        return false;
    f->path = compilation_copy(c, span_of(canonical));
    f->directory = directory_of(c, canonical);
    return f->path != NULL;
}
