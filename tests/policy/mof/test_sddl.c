#include "policy/mof/sddl.h"
#include "tests/support/support.h"

SUITE(sddl);

Test(sddl, takes_what_the_grammar_gives)
{
    static const char *const rows[] = {
        /* the WMI SDK's and a vendor's own */
        "O:BAG:BAD:(A;CI;0x60003;;;WD)",
        "O:AUG:AUD:(A;CI;0x00060033;;;WD)",
        ("O:BAG:BAD:P(A;;CCDCLCSWRPWPRCWD;;;BA)(A;;CCDCRP;;;SY)"
         "(A;;CCDCRP;;;NS)"),
        /* each part by itself */
        "O:BA",
        "G:S-1-5-32-544",
        "D:",
        "S:",
        "D:PARAI",
        "D:PAI(D;OICINPIOIDTP;GA;;;AN)",
        /* rights: words, decimal, octal, hexadecimal, none */
        "D:(A;;GRGWGX;;;S-1-5-21-1-2-3-4294967295)",
        "D:(A;;393219;;;WD)(A;;01400003;;;WD)(A;;0XFFFFFFFF;;;WD)",
        "D:(A;;0;;;WD)(A;;;;;WD)",
        /* objects, audit and labels */
        "D:(OA;;RP;00000000-1111-aaaa-BBBB-0123456789ab;;BU)",
        "D:(OD;CI;WP;;00000000-1111-aaaa-BBBB-0123456789ab;BU)",
        "S:(AU;SAFA;WD;;;WD)(OU;FA;WP;;;SY)(ML;;NWNRNX;;;HI)",
        "O:SYG:SYD:(A;;FA;;;SY)S:AI(AU;SA;KA;;;WD)",
        "O:S-1-0x10000000000-1",
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        size_t at;
        const char *problem = sddl_check(span_of(rows[i]), &at);

        cr_expect(problem == NULL, "%s: %zu: %s", rows[i], at, problem);
    }
}

Test(sddl, says_what_is_wrong_and_where)
{
    static const struct {
        const char *text;
        size_t at;
        const char *words;
    } rows[] = {
        {"", 0, "empty"},
        {"o:BAG:BA", 0, "upper from lower"},
        {"O:BAg:BA", 4, "upper from lower"},
        {"O:ba", 2, "two upper-case letters"},
        {"O:BA ", 4, "expected O:"},
        {"G:BAO:BA", 4, "once each"},
        {"D:D:", 2, "once each"},
        {"S:D:", 2, "once each"},
        {"BA", 0, "expected O:"},
        {"O:", 2, "two upper-case letters"},
        {"O:S-1-", 6, "digits"},
        {"O:S-1-5", 7, "not complete"},
        {"O:S-1-5-", 8, "digits"},
        {"O:S-1-5-4294967296", 17, "too large"},
        {"O:S-1-281474976710656-1", 20, "too large"},
        {"O:S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16", 44, "15"},
        {"O:S-2-5-32", 2, "two upper-case letters"},
        {"D:(a;;GA;;;BA)", 3, "unknown type"},
        {"D:(AX;;GA;;;BA)", 3, "unknown type"},
        {"D:(A;ci;GA;;;BA)", 5, "flag"},
        {"D:(A;;ga;;;BA)", 6, "right"},
        {"D:(A;;GAG;;;BA)", 8, "right"},
        {"D:(A;;0x;;;BA)", 8, "digits"},
        {"D:(A;;0x100000000;;;BA)", 16, "too large"},
        {"D:(A;;08;;;BA)", 7, "right"},
        {"D:(A;;GA;1;;BA)", 9, "GUID"},
        {"D:(A;;GA;00000000x1111-aaaa-BBBB-0123456789ab;;BA)", 9, "GUID"},
        {"D:(A;;GA;;BA)", 10, "GUID"},
        {"D:(A;;GA;;;)", 11, "two upper-case letters"},
        {"D:(A;;GA;;;BA", 13, "')'"},
        {"D:(A;;GA;;;BA;x)", 13, "')'"},
        {"D:(A;;GA;;;BA)x", 14, "expected O:"},
        {"D:(AU;SA;GA;;;BA)", 3, "behind S:"},
        {"S:(A;;GA;;;BA)", 3, "behind D:"},
        {"D:(XA;;FX;;;WD;(a == 1))", 3, "conditions"},
        {"S:(RA;;;;;WD;(\"a\",TI,0,1))", 3, "attributes"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        size_t at;
        const char *problem = sddl_check(span_of(rows[i].text), &at);

        cr_expect(problem != NULL, "%s", rows[i].text);
        cr_expect(problem != NULL && at == rows[i].at &&
                      strstr(problem, rows[i].words) != NULL,
                  "%s: %zu: %s", rows[i].text, at, problem);
    }
}

Test(sddl, has_limits)
{
    struct buf b = BUF_INIT;
    size_t at;

    buf_add_string(&b, "D:");
    for (int i = 0; i < SDDL_ACES_MAX; i++)
        buf_add_string(&b, "(A;;GA;;;BA)");
    cr_expect(sddl_check(buf_span(&b), &at) == NULL);
    buf_add_string(&b, "(A;;GA;;;BA)");
    cr_expect(strstr(sddl_check(buf_span(&b), &at), "1000 entries"));
    while (b.length <= SDDL_BYTES_MAX)
        buf_add_string(&b, "(A;;GA;;;BA)");
    cr_expect(strstr(sddl_check(buf_span(&b), &at), "64 KiB"));
    buf_fini(&b);
}
