#ifndef POLICY_MOF_PARSER_H
#define POLICY_MOF_PARSER_H

#include "policy/mof/compilation.h"
#include "policy/mof/lexer.h"

/*
 * Recursive descent over tokens, one rule of the grammar a function, into
 * the syntax tree.  A function that returns bool returns false once its rule
 * cannot go on; whoever owns a list or a body skips to its next element then
 * (parser_recover), so that one run shows many errors.
 */

/* What one file of the command line and its includes share. */
struct scope {
    struct source *top;     /* the file itself */
    struct space *space;    /* #pragma namespace */
    struct strmap *aliases; /* name -> struct syntax_instance */
    unsigned class_change, instance_change; /* enum mof_change */
    bool is_amended;                        /* #pragma amendment */
    struct strmap *flavors; /* `qualifier Name : flavors;`; NULL: none */
    const char *root;       /* the canonical directory includes may come from;
                         NULL: a text that is no file */
};

/* The files that are being read, innermost first. */
struct include_frame {
    struct include_frame *above;
    const char *path;      /* canonical; NULL: a text that is no file */
    const char *directory; /* of path */
    const char *shown;
    unsigned depth;
};

struct parser {
    struct mof_compilation *c;
    struct source *source;
    struct scope *scope;
    struct include_frame *frame;
    struct lexer lexer;
    struct token token;    /* the one to be looked at */
    uint32_t previous_end; /* offset behind the one before */
    unsigned depth;        /* of embedded instances */
    /* Of the production being read: what there was before it, and how many
     * aliases it holds. */
    struct arena_mark mark;
    size_t tokens, aliases;
    bool in_stretch; /* the next instance may join the one before */
    /* The last string that ran over a line end: a quote may be missing. */
    bool has_multiline;
    uint32_t multiline_offset;
};

/* Reads a whole text; path is its file, NULL for none. */
void parser_run(struct mof_compilation *c, struct source *source,
                const char *path);
/* The productions of an included text. */
void parser_include(struct parser *from, struct source *source,
                    struct include_frame *frame);
/* Begins at an offset. */
void parser_start(struct parser *p, uint32_t offset);

/* parser.c: tokens */
void parser_advance(struct parser *p);
struct at parser_at(const struct parser *p); /* the token */
struct at parser_at_offset(const struct parser *p, uint32_t offset,
                           uint32_t width);
bool parser_is(const struct parser *p, int kind);
/* An identifier that reads so, without case. */
bool parser_is_word(const struct parser *p, const char *word);
bool parser_take(struct parser *p, int kind);
bool parser_take_word(struct parser *p, const char *word);
/* Takes it or reports code, "expected <what> but found ...". */
bool parser_expect(struct parser *p, int kind, uint32_t code,
                   const char *what);
/* The same for an identifier, which is given out. */
bool parser_expect_name(struct parser *p, uint32_t code, const char *what,
                        struct span *name_out, uint32_t *offset_out);
/* "expected <what> but found <token>"; false always. */
bool parser_unexpected(struct parser *p, uint32_t code, const char *what);
/* The end, or a token that a production can begin with: what a forgotten ';'
 * or '}' is followed by. */
bool parser_starts_production(const struct parser *p);
/* The token and the two behind it, without moving on. */
void parser_peek(const struct parser *p, struct token *second,
                 struct token *third);
/* Skips behind the next ';' of this level, or up to the '}' that ends it. */
void parser_recover(struct parser *p);

/* Lists: push items, then take those above the mark into the arena. */
size_t stack_mark(const struct parser *p);
bool stack_push(struct parser *p, const void *item, size_t size);
/* NULL with *count_out 0 when there are none or memory is out. */
void *stack_take(struct parser *p, size_t mark, size_t size,
                 size_t *count_out);

/* constant.c: init, const, array, embedded instance */
bool constant_parse_init(struct parser *p, struct syntax_value *out);
bool constant_parse(struct parser *p, struct syntax_value *out);
bool constant_parse_array(struct parser *p, struct syntax_value *out);
/* string { string } */
bool constant_parse_string(struct parser *p, struct span *out);

/* literal.c: what is between quotes */
bool literal_add_string(struct parser *p, const struct token *token,
                        struct buf *out);
bool literal_char(struct parser *p, const struct token *token, uint16_t *out);

/* qualifier.c */
bool qualifier_parse_list(struct parser *p, struct syntax_qualifiers *out);
/* Reports names that are twice there or can't be given. */
void qualifier_list_check(struct mof_compilation *c, struct source *source,
                          const struct syntax_qualifiers *set);
bool qualifier_parse_declaration(struct parser *p);

/* class.c */
bool class_parse(struct parser *p, struct syntax_qualifiers quals,
                 uint32_t start);
/* type ident: CIM_OBJECT and a class name for what is no basic type. */
enum cim_type class_type(struct span name, struct span *class_out);
bool class_parse_array_size(struct parser *p, bool *is_array,
                            uint32_t *size_out);
/* Puts its alias, if it has one, into its map, or reports that it is taken. */
bool class_declare_alias(struct mof_compilation *c, struct source *source,
                         struct space *space,
                         const struct syntax_class *class);
/* [ "as" alias ] */
bool class_parse_alias(struct parser *p, struct span *alias_out,
                       uint32_t *offset_out);

/* instance.c */
bool instance_parse(struct parser *p, struct syntax_qualifiers quals,
                    uint32_t start);
bool instance_parse_embedded(struct parser *p, struct syntax_value *out);
/* Puts its alias, if it has one, into its map, or reports that it is taken. */
void instance_declare_alias(struct mof_compilation *c,
                            struct syntax_instance *instance);
/* The same as instance_parse, up to the '}' and given out. */
bool instance_read(struct parser *p, struct syntax_qualifiers quals,
                   uint32_t start, struct syntax_statement *out);

/* stretch.c: an instance that was read, kept or only remembered */
bool stretch_add(struct parser *p, const struct syntax_statement *st,
                 bool may_join);
/* The instance behind *offset (at first that of the stretch), which moves on;
 * false at the end.  Its tree is in c->trees. */
bool stretch_next(struct mof_compilation *c, const struct syntax_statement *st,
                  uint32_t *offset, struct syntax_statement *out);

/* pragma.c */
bool pragma_parse(struct parser *p);

/* include.c */
bool include_parse(struct parser *p, const struct token *file);
/* The directory part and canonical name of a file; false: there is none. */
bool include_frame_init(struct mof_compilation *c, struct include_frame *f,
                        const char *path);

#endif
