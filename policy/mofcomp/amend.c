#include "policy/mofcomp/amend.h"

#include <errno.h>

#include "policy/mofcomp/output.h"

static int
write_one(struct output *out, const char *path, const struct buf *text,
          struct error *err)
{
    if (output_open(out, path, err) < 0)
        return -1;
    return text->length > 0 ? output_write(out, buf_span(text), err) : 0;
}

static int
write_both(const struct options *o, const struct buf *neutral,
           const struct buf *localized, struct error *err)
{
    struct output mof = {.path = NULL}, mfl = {.path = NULL};
    int r = -1;

    if (write_one(&mof, o->neutral, neutral, err) == 0 &&
        write_one(&mfl, o->localized, localized, err) == 0 &&
        output_finish(&mof, err) == 0 && output_finish(&mfl, err) == 0)
        r = 0;
    output_close(&mof);
    output_close(&mfl);
    return r;
}

int
amend_write(const struct options *o, const struct mof_unit *unit,
            struct error *err)
{
    const char *locale = o->amendment != NULL ? o->amendment : unit->amendment;
    struct buf neutral = BUF_INIT, localized = BUF_INIT;
    int r = -1;

    if (locale == NULL)
        error_set(err, "no language is named: write #pragma "
                       "amendment(\"MS_409\") or -AMENDMENT:MS_409");
    else if (!mof_amend_locale(span_of(locale)))
        error_set(err, "'%s' is no name of a language as MS_409 is", locale);
    else if (!mof_amend_print(unit, locale, &neutral, &localized))
        error_set_errno(err, ENOMEM, "amendment");
    else
        r = write_both(o, &neutral, &localized, err);
    buf_fini(&neutral);
    buf_fini(&localized);
    return r;
}
