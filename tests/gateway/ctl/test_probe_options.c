#include "gateway/ctl/ctl.h"
#include "gateway/ctl/probe.h"
#include "tests/support/support.h"

#include <criterion/redirect.h>
#include <string.h>

SUITE(probe_options, .init = cr_redirect_stderr);

#define ARGV_MAX 12

static int
parse(struct probe_options *o, const char *const *words)
{
    char *argv[ARGV_MAX + 1] = {NULL};
    int argc = 0;

    while (argc < ARGV_MAX && words[argc] != NULL) {
        argv[argc] = (char *)(uintptr_t)words[argc];
        argc++;
    }
    return probe_options_parse(o, argc, argv);
}

#define URL "https://gw/cim/root"

Test(probe_options, a_bare_url_asks_for_packet_privacy)
{
    const char *const words[] = {"probe", URL, NULL};
    struct probe_options o;

    cr_assert_eq(parse(&o, words), 0);
    cr_assert_str_eq(o.url, URL);
    cr_assert_str_eq(o.method, "GET");
    cr_assert_eq(o.level, AUTHN_LEVEL_PKT_PRIVACY);
    cr_assert_eq(declared_level(o.flags, false), AUTHN_LEVEL_PKT_PRIVACY);
    cr_assert_not(o.library_flags);
    cr_assert_eq(o.binding, PROBE_BINDING_AUTO);
}

Test(probe_options, the_flags_of_a_level_declare_exactly_that_level)
{
    static const struct {
        const char *name;
        enum authn_level declared;
    } rows[] = {
        {"Default", AUTHN_LEVEL_CONNECT},
        {"Connect", AUTHN_LEVEL_CONNECT},
        {"Call", AUTHN_LEVEL_PKT},
        {"Pkt", AUTHN_LEVEL_PKT},
        {"pktintegrity", AUTHN_LEVEL_PKT_INTEGRITY},
        {"RPC_C_AUTHN_LEVEL_PKT_PRIVACY", AUTHN_LEVEL_PKT_PRIVACY},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *const words[] = {"probe", "--level", rows[i].name, URL,
                                     NULL};
        struct probe_options o;

        cr_assert_eq(parse(&o, words), 0, "%s", rows[i].name);
        cr_assert_eq(declared_level(o.flags, false), rows[i].declared, "%s",
                     rows[i].name);
    }
}

Test(probe_options, default_asks_for_no_flag_at_all)
{
    const char *const words[] = {"probe", URL, "--level", "Default", NULL};
    struct probe_options o;

    cr_assert_eq(parse(&o, words), 0);
    cr_assert_eq(o.flags, 0);
}

Test(probe_options, exact_flags_replace_those_of_the_level)
{
    const char *const words[] = {"probe", "--level", "PktPrivacy", "--flags",
                                 "0x10",  URL,       NULL};
    struct probe_options o;

    cr_assert_eq(parse(&o, words), 0);
    cr_assert_eq(o.flags, 0x10);
    cr_assert(o.flags_given);
}

Test(probe_options, mutual_is_added_to_either)
{
    const char *const words[] = {"probe",    "--flags", "0",
                                 "--mutual", URL,       NULL};
    struct probe_options o;

    cr_assert_eq(parse(&o, words), 0);
    cr_assert_eq(o.flags, PROBE_FLAG_MUTUAL);
}

Test(probe_options, what_makes_no_sense_is_a_usage_error)
{
    static const char *const rows[][ARGV_MAX] = {
        {"probe"},
        {"probe", URL, URL},
        {"probe", "--level", "Strong", URL},
        {"probe", "--flags", "0x100000000", URL},
        {"probe", "--flags", "-1", URL},
        {"probe", "--flags", "", URL},
        {"probe", "--flags", "2x", URL},
        {"probe", "--timeout", "0", URL},
        {"probe", "--header", "no colon", URL},
        {"probe", "--header", ": no name", URL},
        {"probe", "--header", "A: b\r\nC: d", URL},
        {"probe", "--method", "GET /x", URL},
        {"probe", "--method", "", URL},
        {"probe", "--level", "None", "--token-only", URL},
        {"probe", "--insecure", URL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct probe_options o;

        cr_assert_eq(parse(&o, rows[i]), CTL_USAGE, "row %zu", i);
    }
}

Test(probe_options, headers_are_kept_in_order)
{
    const char *const words[] = {"probe", "--header", "A: 1", "--header",
                                 "A: 2",  URL,        NULL};
    struct probe_options o;

    cr_assert_eq(parse(&o, words), 0);
    cr_assert_eq(o.header_count, 2);
    cr_assert_str_eq(o.headers[0], "A: 1");
    cr_assert_str_eq(o.headers[1], "A: 2");
}
