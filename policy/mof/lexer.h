#ifndef POLICY_MOF_LEXER_H
#define POLICY_MOF_LEXER_H

#include "policy/mof/source.h"

/*
 * Tokens of MOF (DSP0004 annex A.1, WMI's additions in docs/mof.md).  No
 * keyword is reserved: `class` is an identifier, and the parser decides by
 * position.  Nothing is allocated: a token points into the source.
 */
enum token_kind {
    TOKEN_END = 0,
    TOKEN_ERROR, /* reported already */
    TOKEN_IDENTIFIER,
    TOKEN_INTEGER,
    TOKEN_REAL,
    TOKEN_STRING, /* text: between the quotes, escapes as written */
    TOKEN_CHAR,   /* likewise */
    TOKEN_ALIAS,  /* text: behind the '$' */
    /* Punctuation is its own character: '{' '}' '(' ')' '[' ']' ';' ',' ':'
     * '=' '#'. */
};

struct token {
    int kind; /* enum token_kind or a character */
    uint32_t offset, width;
    struct span text;
    bool escaped;   /* STRING, CHAR: holds a backslash */
    bool multiline; /* STRING: holds a raw line end */
    bool negative;  /* INTEGER */
    bool huge;      /* INTEGER: does not fit 64 bits */
    uint64_t magnitude;
    double real;
};

/* Called once for each malformed token. */
typedef void lexer_report(void *context, uint32_t code, uint32_t offset,
                          uint32_t width, const char *text);

struct lexer {
    struct source *source;
    const char *at; /* the next byte */
    lexer_report *report;
    void *context;
    /* A string or comment has no end: what follows is not worth a word. */
    bool swallowed;
};

void lexer_init(struct lexer *lx, struct source *source, lexer_report *report,
                void *context);

/*
 * The next token.  A constant that is malformed inside (a digit too large, a
 * char of two characters) is reported and still returned as one of its kind,
 * so that one mistake is one error.
 */
void lexer_next(struct lexer *lx, struct token *out);

/* Lexes the number at lx->at (number.c). */
void number_lex(struct lexer *lx, struct token *out);

#define IDENTIFIER_MAX 255 /* WMI's limit, characters counted as bytes */

/* False unless the whole of s is one identifier. */
bool lexer_is_identifier(struct span s);
/* The bytes at p, which ends in NUL, that continue an identifier. */
size_t lexer_identifier_length(const char *p);

#endif
