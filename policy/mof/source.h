#ifndef POLICY_MOF_SOURCE_H
#define POLICY_MOF_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/base/base.h"

/* A file larger than this is refused before it is read (threat 32). */
#define SOURCE_BYTES_MAX   ((size_t)512 * 1024 * 1024)
#define SOURCE_BLOCK_BYTES 4096u

struct mof_include;

enum source_kind {
    SOURCE_TEXT = 0,
    /* Of a binary; places are offsets and have no line. */
    SOURCE_PACKED,   /* the file's bytes, which are not kept */
    SOURCE_UNPACKED, /* text is the data that were in it */
};

/*
 * One source text, as UTF-8 without byte order mark and without NUL, so that
 * text[length] is a sentinel for the lexer.  Places in it are byte offsets;
 * lines and columns are worked out only when somebody must read them.
 */
struct source {
    enum source_kind kind;
    const char *name;                   /* as shown */
    const struct mof_include *included; /* by whom; NULL: nobody */
    uint32_t number;                    /* in the order of reading */
    bool autorecover;                   /* it or what it includes says so */
    bool is_file; /* no text in memory and not standard input */
    char *text;
    uint32_t length;
    uint32_t *blocks; /* lines that end before each; built on demand */
    /* The place asked for last, so that asking along the text, or one endless
     * line of it, costs it once and not once a question. */
    uint32_t last_offset, last_line, last_column;
};

enum source_problem {
    SOURCE_OK = 0,
    SOURCE_LARGE,    /* over SOURCE_BYTES_MAX */
    SOURCE_MEMORY,   /* out of memory */
    SOURCE_NUL,      /* a NUL, or UTF-16 without a byte order mark */
    SOURCE_ODD,      /* UTF-16 of odd length */
    SOURCE_BINARY,   /* binary MOF */
    SOURCE_SURROGATE /* half a surrogate pair */
};

/*
 * Takes bytes (malloc'ed, with room for one more behind them, also when it
 * fails) and decodes them into s->text: UTF-16 by its byte order mark, UTF-8, else
 * Windows-1252, then *guessed_at is the offset of the first byte that is not
 * UTF-8 (UINT32_MAX otherwise).  On a problem the text holds what came
 * before it, so that its place is the text's end.
 */
enum source_problem source_decode(struct source *s, char *bytes, size_t length,
                                  uint32_t *guessed_at);
void source_fini(struct source *s);

/* Line and column of an offset, both from 1, columns in characters; both 0
 * in a binary. */
void source_locate(struct source *s, uint32_t offset, uint32_t *line_out,
                   uint32_t *column_out);
/* The offset of a line and column, its end if there is no such place. */
uint32_t source_offset(struct source *s, uint32_t line, uint32_t column);
/* How long the identifier at offset is, at least 1. */
uint32_t source_word(const struct source *s, uint32_t offset);
/* What surrounds offset in its line: `around` characters at most before and
 * behind it; *before_out are those before.  *goes_on_out: the line does. */
struct span source_around(const struct source *s, uint32_t offset,
                          unsigned around, uint32_t *before_out,
                          bool *goes_on_out);

/* The whole of a regular file or, for "-", of standard input, as
 * source_decode takes it.
 * What else it may be (a device, a directory) is an error. */
int source_read(const char *path, char **bytes_out, size_t *length_out,
                struct error *err);

#endif
