#include "tests/policy/library/scene.h"

#include <stdio.h>
#include <string.h>

static void
remember(void *arg, const struct nspolicy_diagnostic *d)
{
    static const char *const names[] = {"?", "note", "warning", "error"};
    struct scene *s = arg;
    size_t used = strlen(s->said);

    s->diagnostics++;
    snprintf(s->said + used, sizeof(s->said) - used,
             "%s %d 0x%08X %s:%u:%u: %s\n", names[d->severity], d->phase,
             (unsigned)d->code, d->file != NULL ? d->file : "-", d->line,
             d->column, d->text);
}

void
scene_init(struct scene *s)
{
    struct nspolicy_error error;

    memset(s, 0, sizeof(*s));
    snprintf(s->dir, sizeof(s->dir), "%s", test_directory());
    cr_assert(nspolicy_compiler_new(s->dir, &s->compiler, &error) == 0, "%s",
              error.text);
    nspolicy_compiler_on_diagnostic(s->compiler, remember, s);
}

void
scene_fini(struct scene *s)
{
    nspolicy_compiler_free(s->compiler);
}

int32_t
scene_compile(struct scene *s, const char *text)
{
    s->said[0] = '\0';
    s->diagnostics = 0;
    return nspolicy_compile_buffer(s->compiler, (int32_t)strlen(text), text,
                                   NULL, NULL, NULL, NULL, 0, 0, 0, &s->info);
}

const char *
scene_file(struct scene *s, const char *name, const char *text)
{
    static char path[400];

    snprintf(path, sizeof(path), "%s/%s", s->dir, name);
    test_write_file(path, text, strlen(text));
    return path;
}

struct nspolicy_policy *
scene_policy(const struct scene *s)
{
    struct nspolicy_policy *p;
    struct nspolicy_error error;

    cr_assert(nspolicy_policy_open(s->dir, &p, &error) == 0, "%s", error.text);
    return p;
}
