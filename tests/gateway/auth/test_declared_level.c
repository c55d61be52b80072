#include <gssapi/gssapi_ext.h>

#include "gateway/auth/auth.h"
#include "tests/support/support.h"

SUITE(declared_level);

#define DELEG    GSS_C_DELEG_FLAG
#define MUTUAL   GSS_C_MUTUAL_FLAG
#define REPLAY   GSS_C_REPLAY_FLAG
#define SEQUENCE GSS_C_SEQUENCE_FLAG
#define CONF     GSS_C_CONF_FLAG
#define INTEG    GSS_C_INTEG_FLAG

#define CO AUTHN_LEVEL_CONNECT
#define PK AUTHN_LEVEL_PKT
#define IN AUTHN_LEVEL_PKT_INTEGRITY
#define PR AUTHN_LEVEL_PKT_PRIVACY

/* The six bits are flags 0x01 to 0x20 in this order; written out from the
 * model's table, not computed: row INTEG,CONF; column SEQUENCE,REPLAY; then
 * the four combinations of MUTUAL and DELEG. */
static const enum authn_level golden[64] = {
    /* -     */ CO, CO, CO, CO, PK, PK, PK, PK,
    /*       */ PK, PK, PK, PK, PK, PK, PK, PK,
    /* CONF  */ CO, CO, CO, CO, PK, PK, PK, PK,
    /*       */ PK, PK, PK, PK, PK, PK, PK, PK,
    /* INTEG */ IN, IN, IN, IN, IN, IN, IN, IN,
    /*       */ IN, IN, IN, IN, IN, IN, IN, IN,
    /* both  */ PR, PR, PR, PR, PR, PR, PR, PR,
    /*       */ PR, PR, PR, PR, PR, PR, PR, PR,
};

Test(declared_level, knows_every_combination_of_the_six_flags)
{
    for (uint32_t flags = 0; flags < 64; flags++) {
        cr_assert_eq(declared_level(flags, false), golden[flags], "flags 0x%x",
                     (unsigned)flags);
        /* what the library adds by itself changes nothing */
        cr_assert_eq(declared_level(flags | 0x180, false), golden[flags],
                     "flags 0x%x", (unsigned)flags);
    }
}

Test(declared_level, adding_a_flag_never_lowers_it)
{
    for (uint32_t flags = 0; flags < 64; flags++) {
        for (uint32_t bit = 1; bit < 64; bit <<= 1)
            cr_assert_geq(declared_level(flags | bit, false),
                          declared_level(flags, false), "0x%x + 0x%x",
                          (unsigned)flags, (unsigned)bit);
    }
}

Test(declared_level, agrees_with_what_real_clients_gave)
{
    static const struct {
        uint32_t flags;
        enum authn_level level;
    } seen[] = {
        {0x0130, PR}, {0x0132, PR}, {0x0136, PR}, {0x013a, PR}, {0x013e, PR},
        {0x01ba, PR}, {0x01be, PR}, {0x0137, PR}, {0x2130, PR}, {0x093e, PR},
        {0x0120, IN}, {0x012e, IN}, {0x0104, PK}, {0x010a, PK}, {0x010c, PK},
        {0x010e, PK}, {0x0100, CO}, {0x0102, CO}, {0x0110, CO},
    };

    for (size_t i = 0; i < ARRAY_COUNT(seen); i++)
        cr_assert_eq(declared_level(seen[i].flags, false), seen[i].level,
                     "0x%x", (unsigned)seen[i].flags);
}

Test(declared_level, anonymous_is_none_whatever_the_flags)
{
    for (uint32_t flags = 0; flags < 64; flags++)
        cr_assert_eq(declared_level(flags | 0x100, true), AUTHN_LEVEL_NONE);
}

Test(declared_level, dce_style_refuses_before_the_table)
{
    for (uint32_t flags = 0; flags < 64; flags++) {
        cr_assert_eq(declared_level(flags | GSS_C_DCE_STYLE, false), 0);
        cr_assert_eq(declared_level(flags | GSS_C_DCE_STYLE, true), 0);
    }
}

Test(declared_level, asks_for_what_declares_the_level)
{
    static const enum authn_level levels[] = {
        AUTHN_LEVEL_CONNECT, AUTHN_LEVEL_PKT, AUTHN_LEVEL_PKT_INTEGRITY,
        AUTHN_LEVEL_PKT_PRIVACY};
    uint32_t flags;
    bool no_ci;

    for (size_t i = 0; i < ARRAY_COUNT(levels); i++) {
        cr_assert(initiator_flags_for_level(levels[i], &flags, &no_ci));
        cr_assert_eq(declared_level(flags, false), levels[i]);
    }
    cr_assert(initiator_flags_for_level(AUTHN_LEVEL_CALL, &flags, &no_ci));
    cr_assert_eq(declared_level(flags, false), AUTHN_LEVEL_PKT);
    cr_assert(initiator_flags_for_level(AUTHN_LEVEL_DEFAULT, &flags, &no_ci));
    cr_assert_eq(flags, 0);
    cr_assert(no_ci);
    /* no context at all */
    cr_assert(!initiator_flags_for_level(AUTHN_LEVEL_NONE, &flags, &no_ci));
}

Test(declared_level, formats_flags_by_name)
{
    static const struct {
        uint32_t flags;
        const char *text;
    } rows[] = {
        {0, "none"},
        {0x32, "MUTUAL|CONF|INTEG"},
        {0x93e, "MUTUAL|REPLAY|SEQUENCE|CONF|INTEG|TRANS|CHANNEL_BOUND"},
        {0x3002, "MUTUAL|DCE_STYLE|IDENTIFY"},
        {0x80000001, "DELEG|0x80000000"},
        {0x80000000, "0x80000000"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf b = BUF_INIT;

        gss_flags_format(rows[i].flags, &b);
        assert_span(buf_span(&b), rows[i].text);
        buf_fini(&b);
    }
}
