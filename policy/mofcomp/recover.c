#include "policy/mofcomp/recover.h"

#include <errno.h>
#include <string.h>

#define TOLD_MAX 20

/* Is this source to be compiled?  *wrong counts what forbids to. */
static bool
source_look(const struct options *o, const struct policy_source *source,
            struct say *say, size_t *wrong)
{
    struct error err = {0};
    int r = policy_source_check(source, &err);
    bool missing = r < 0 && (o->despite & DESPITE_MISSING) != 0;

    if (r > 0 || (r == 0 && (o->despite & DESPITE_CHANGED) != 0))
        return true;
    if (missing)
        say_note(say, "left out: %s", err.text);
    else if (r < 0)
        say_error(say, "%s", err.text);
    else
        say_error(say, "%s has changed since it was compiled", source->path);
    *wrong += !missing;
    return !missing;
}

static bool
sources_look(struct recover *r, const struct policy_source *sources,
             size_t count, struct say *say)
{
    size_t wrong = 0;

    for (size_t i = 0; i < count; i++) {
        bool there = source_look(&r->options, &sources[i], say, &wrong);

        if (!sources[i].is_included && there)
            r->options.files[r->options.file_count++] = sources[i].path;
    }
    if (wrong > 0)
        say_error(say, "nothing is recovered; --despite=missing leaves files "
                       "out, --despite=changed takes them as they are");
    else if (r->options.file_count == 0)
        say_error(say, "no file is on the list: -autorecover or #pragma "
                       "autorecover puts it there");
    return wrong == 0 && r->options.file_count > 0;
}

bool
recover_load(struct recover *r, const struct options *o, const char *state_dir,
             struct say *say)
{
    struct policy_source *sources = NULL;
    struct error err = {0};
    size_t count = 0;

    r->options = *o;
    r->options.file_count = 0;
    r->arena = arena_new();
    if (r->arena == NULL)
        error_set_errno(&err, ENOMEM, "recover");
    else if (policy_recover_list(state_dir, r->arena, &sources, &count,
                                 &err) == 0)
        r->options.files =
            arena_array(r->arena, count + 1, sizeof(*r->options.files));
    if (err.text[0] == '\0' && r->options.files == NULL)
        error_set_errno(&err, ENOMEM, "recover");
    if (err.text[0] == '\0')
        return sources_look(r, sources, count, say);
    say_error(say, "%s", err.text);
    return false;
}

void
recover_fini(struct recover *r)
{
    arena_free(r->arena);
}

/* -- not weaker ------------------------------------------------------------- */

struct weaker {
    struct say *say;
    bool allowed;
    size_t count;
};

static bool
weaker_tell(void *arg, struct span display)
{
    struct weaker *w = arg;

    if (w->count++ == TOLD_MAX)
        return false;
    if (w->allowed)
        say_note(w->say, "%.*s does not require encryption any more",
                 (int)display.length, display.data);
    else
        say_error(w->say,
                  "%.*s requires encryption now and would not any more",
                  (int)display.length, display.data);
    return true;
}

bool
recover_allows(const struct options *o, struct policy_compile *c,
               struct say *say, struct error *err)
{
    struct weaker w = {.say = say,
                       .allowed = (o->despite & DESPITE_WEAKER) != 0};

    if (!o->recovering)
        return true;
    if (policy_compile_each_weaker(c, weaker_tell, &w, err) < 0)
        return false;
    if (w.count == 0 || w.allowed)
        return true;
    error_set(err, "nothing is recovered; --despite=weaker lets the policy "
                   "become so");
    return false;
}

/* -- what the list does not have -------------------------------------------- */

void
recover_tell(const struct options *o, const struct mof_compilation *mof,
             struct say *say)
{
    bool switches = o->default_namespace.length > 0 || o->class_change != 0 ||
                    o->instance_change != 0;
    struct mof_source source;

    for (size_t i = 0; mof_source_at(mof, i, &source); i++) {
        if (source.is_included || !(source.autorecover || o->autorecover))
            continue;
        if (!source.is_file)
            say_note(say,
                     "%s is no file, so that it is not put on the list of "
                     "--recover",
                     source.name);
        else if (switches)
            say_note(say,
                     "--recover will compile %s without -N, -class and "
                     "-instance",
                     source.name);
    }
}
