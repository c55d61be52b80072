#include "policy/mof/sddl.h"

#include <string.h>

/* Words of one kind, none the beginning of a later one that is longer; ""
 * ends the list. */
typedef const char word_list[4];

static word_list acl_flags[] = {"AR", "AI", "P", ""};

static word_list ace_flags[] = {"CI", "OI", "NP", "IO", "ID",
                                "SA", "FA", "TP", "CR", ""};

static word_list rights[] = {"GA", "GR", "GW", "GX", "RC", "SD", "WD", "WO",
                             "RP", "WP", "CC", "DC", "LC", "SW", "LO", "DT",
                             "CR", "FA", "FR", "FW", "FX", "KA", "KR", "KW",
                             "KX", "NR", "NW", "NX", ""};

static word_list sid_tokens[] = {
    "DA", "DG", "DU", "ED", "DD", "DC", "BA", "BG", "BU", "LA", "LG",
    "AO", "BO", "PO", "SO", "AU", "PS", "CO", "CG", "SY", "PU", "WD",
    "RE", "IU", "NU", "SU", "RC", "WR", "AN", "SA", "CA", "RS", "EA",
    "PA", "RU", "LS", "NS", "RD", "NO", "MU", "LU", "IS", "CY", "OW",
    "ER", "RO", "CD", "AC", "RA", "ES", "MS", "UD", "HA", "CN", "AA",
    "RM", "LW", "ME", "MP", "HI", "SI", ""};

/* Where a type of entry may stand. */
enum acl_kind {
    ACL_ACCESS = 1, /* D: */
    ACL_SYSTEM = 2, /* S: */
};

static const struct ace_type {
    const char *name;
    unsigned kind; /* 0: known, but not taken */
} ace_types[] = {
    {"OA", ACL_ACCESS}, {"OD", ACL_ACCESS}, {"A", ACL_ACCESS},
    {"D", ACL_ACCESS},  {"AU", ACL_SYSTEM}, {"AL", ACL_SYSTEM},
    {"OU", ACL_SYSTEM}, {"OL", ACL_SYSTEM}, {"ML", ACL_SYSTEM},
    {"SP", ACL_SYSTEM}, {"XA", 0},          {"XD", 0},
    {"XU", 0},          {"ZA", 0},          {"RA", 0},
};

#define SUBAUTHORITIES_MAX 15

struct sddl {
    struct span rest;
    const char *problem; /* the first one; rest is at its place */
};

static bool
fail(struct sddl *s, const char *problem)
{
    if (s->problem == NULL)
        s->problem = problem;
    return false;
}

static bool
is_at(const struct sddl *s, const char *word)
{
    size_t n = strlen(word);

    return s->rest.length >= n && memcmp(s->rest.data, word, n) == 0;
}

static bool
take(struct sddl *s, const char *word)
{
    if (!is_at(s, word))
        return false;
    s->rest = span_skip(s->rest, strlen(word));
    return true;
}

static bool
take_word(struct sddl *s, word_list *words)
{
    for (size_t i = 0; words[i][0] != '\0'; i++) {
        if (take(s, words[i]))
            return true;
    }
    return false;
}

static int
digit_value(const struct sddl *s, int base)
{
    int value = s->rest.length > 0 ? ascii_hex_value(s->rest.data[0]) : -1;

    return value < base ? value : -1;
}

/* Digits up to most; false if there are none or they are too many. */
static bool
take_number(struct sddl *s, int base, uint64_t most)
{
    uint64_t value = 0;
    int digit = digit_value(s, base);

    if (digit < 0)
        return fail(s, "digits are missing");
    for (; digit >= 0; digit = digit_value(s, base)) {
        value = value * (unsigned)base + (unsigned)digit;
        if (value > most)
            return fail(s, "this number is too large");
        s->rest = span_skip(s->rest, 1);
    }
    return true;
}

/* decimal | "0x" hexadecimal */
static bool
take_any_number(struct sddl *s, uint64_t most)
{
    if (take(s, "0x") || take(s, "0X"))
        return take_number(s, 16, most);
    return take_number(s, 10, most);
}

/* "S-1-" authority { "-" subauthority } (MS-DTYP 2.4.2.1), or a token */
static bool
sid_parse(struct sddl *s)
{
    unsigned count = 0;

    if (!take(s, "S-1-"))
        return take_word(s, sid_tokens) ||
               fail(s, "an account is two upper-case letters such as BA, or "
                       "S-1-...");
    if (!take_any_number(s, UINT64_C(0xffffffffffff)))
        return false;
    while (take(s, "-")) {
        if (++count > SUBAUTHORITIES_MAX)
            return fail(s, "a SID has at most 15 parts");
        if (!take_any_number(s, UINT32_MAX))
            return false;
    }
    return count > 0 || fail(s, "this SID is not complete");
}

/* 8-4-4-4-12 hexadecimal digits, or nothing */
static bool
guid_parse(struct sddl *s)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    struct span before = s->rest;

    if (is_at(s, ";"))
        return true;
    for (size_t i = 0; form[i] != '\0'; i++) {
        if (form[i] == 'x' ? digit_value(s, 16) < 0 : !is_at(s, "-")) {
            s->rest = before;
            return fail(s, "this is no GUID");
        }
        s->rest = span_skip(s->rest, 1);
    }
    return true;
}

/* { right } | number; "0..." is octal */
static bool
rights_parse(struct sddl *s)
{
    if (digit_value(s, 10) < 0) {
        while (take_word(s, rights))
            ;
        return true;
    }
    if (is_at(s, "0") && !is_at(s, "0x") && !is_at(s, "0X"))
        return take_number(s, 8, UINT32_MAX);
    return take_any_number(s, UINT32_MAX);
}

static bool
type_parse(struct sddl *s, enum acl_kind kind)
{
    struct span before = s->rest;

    for (size_t i = 0; i < ARRAY_COUNT(ace_types); i++) {
        const struct ace_type *t = &ace_types[i];

        s->rest = before;
        if (!take(s, t->name) || !is_at(s, ";"))
            continue;
        if (t->kind == (unsigned)kind)
            return true;
        s->rest = before;
        return fail(s, t->kind == 0
                           ? "entries with conditions or attributes are not "
                             "taken"
                       : t->kind == ACL_SYSTEM
                           ? "this entry belongs into the list behind S:"
                           : "this entry belongs into the list behind D:");
    }
    s->rest = before;
    return fail(s, "unknown type of entry: A, D, OA, OD, or AU and OU behind "
                   "S:, in upper case");
}

static bool
expect(struct sddl *s, const char *word, const char *problem)
{
    return take(s, word) || fail(s, problem);
}

static bool
ace_parse(struct sddl *s, enum acl_kind kind)
{
    static const char semicolon[] = "expected ';'";

    if (!type_parse(s, kind) || !expect(s, ";", semicolon))
        return false;
    while (take_word(s, ace_flags))
        ;
    return expect(s, ";",
                  "expected ';' or a flag of this entry (CI, OI, NP, IO)") &&
           rights_parse(s) &&
           expect(s, ";", "expected ';' or a right (CC, DC, 0x...)") &&
           guid_parse(s) && expect(s, ";", semicolon) && guid_parse(s) &&
           expect(s, ";", semicolon) && sid_parse(s) &&
           expect(s, ")", "expected ')' behind the account");
}

static bool
acl_parse(struct sddl *s, enum acl_kind kind)
{
    unsigned count = 0;

    while (take_word(s, acl_flags))
        ;
    while (take(s, "(")) {
        if (++count > SDDL_ACES_MAX)
            return fail(s, "a list has at most 1000 entries");
        if (!ace_parse(s, kind))
            return false;
    }
    return true;
}

static bool
parts_parse(struct sddl *s)
{
    if ((take(s, "O:") && !sid_parse(s)) || (take(s, "G:") && !sid_parse(s)) ||
        (take(s, "D:") && !acl_parse(s, ACL_ACCESS)) ||
        (take(s, "S:") && !acl_parse(s, ACL_SYSTEM)))
        return false;
    if (s->rest.length == 0)
        return true;
    if (s->rest.length > 1 && s->rest.data[1] == ':' &&
        memchr("ogds", s->rest.data[0], 4) != NULL)
        return fail(s, "SDDL tells upper from lower case: write O:, G:, D: "
                       "and S:");
    return fail(s, "expected O:, G:, D: or S:, in this order and once each");
}

const char *
sddl_check(struct span text, size_t *at_out)
{
    struct sddl s = {.rest = text};

    *at_out = 0;
    if (text.length == 0)
        return "it is empty";
    if (text.length > SDDL_BYTES_MAX)
        return "it is longer than 64 KiB";
    if (parts_parse(&s))
        return NULL;
    *at_out = text.length - s.rest.length;
    return s.problem;
}
