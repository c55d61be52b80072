#include "gateway/ctl/ctl.h"
#include "gateway/ctl/listen.h"
#include "tests/gateway/ctl/run.h"
#include "tests/support/support.h"

#include <criterion/redirect.h>

SUITE(listen_options, .init = cr_redirect_stderr);

static struct listen_options parsed;

static int
parse_words(const struct ctl *ctl, int argc, char **argv)
{
    (void)ctl;
    return listen_options_parse(&parsed, argc, argv);
}

static int
parse(const char *const *words)
{
    return run_words(parse_words, NULL, words);
}

Test(listen_options, a_bare_url_says_the_rest)
{
    const char *const https[] = {"listen", "--certificate",
                                 "c",      "--key",
                                 "k",      "https://gw.test:8444/a?b=c",
                                 NULL};
    const char *const http[] = {"listen", "http://gw.test", NULL};

    cr_assert_eq(parse(https), 0);
    cr_assert(parsed.url.tls);
    cr_assert_eq(parsed.url.port, 8444);
    cr_assert_str_eq(parsed.url.host, "gw.test");
    cr_assert_str_eq(parsed.url.target, "/a?b=c");
    cr_assert_str_eq(parsed.name, "HTTP@gw.test");
    cr_assert_str_eq(parsed.keytab, "/etc/krb5.keytab");
    cr_assert_eq(parsed.level, AUTHN_LEVEL_PKT_PRIVACY);
    cr_assert_null(parsed.gateway);
    cr_assert_eq(parsed.count, 0);
    cr_assert_eq(parsed.answer, 0);
    cr_assert_eq(parse(http), 0);
    cr_assert_eq(parsed.url.port, 80);
    cr_assert_str_eq(parsed.url.target, "/");
    cr_assert_eq(parsed.level, AUTHN_LEVEL_CONNECT);
}

Test(listen_options, takes_each_option)
{
    const char *const words[] = {"listen",
                                 "--keytab",
                                 "t",
                                 "--name",
                                 "cim@h",
                                 "--gateway",
                                 "g@R",
                                 "--level",
                                 "call",
                                 "--json",
                                 "--count",
                                 "3",
                                 "--timeout",
                                 "60",
                                 "--answer",
                                 "500",
                                 "http://[::1]:0/x",
                                 NULL};

    cr_assert_eq(parse(words), 0);
    cr_assert_str_eq(parsed.keytab, "t");
    cr_assert_str_eq(parsed.name, "cim@h");
    cr_assert_str_eq(parsed.gateway, "g@R");
    cr_assert_eq(parsed.level, AUTHN_LEVEL_PKT);
    cr_assert(parsed.json);
    cr_assert_eq(parsed.count, 3);
    cr_assert_eq(parsed.timeout_s, 60);
    cr_assert_eq(parsed.answer, 500);
    cr_assert_str_eq(parsed.url.host, "::1");
    cr_assert_eq(parsed.url.port, 0);
}

Test(listen_options, misuse_is_exit_2)
{
#define URL "http://h:1/"
    static const char *const rows[][6] = {
        {"listen", NULL},
        {"listen", URL, URL, NULL},
        {"listen", "ftp://h/", NULL},
        {"listen", "http://u@h/", NULL},
        {"listen", "http://h/#f", NULL},
        {"listen", "http://h:65536/", NULL},
        {"listen", "https://h:1/", NULL},
        {"listen", "--certificate", "c", "https://h:1/", NULL},
        {"listen", "--key", "k", URL, NULL},
        {"listen", "--level", "None", URL, NULL},
        {"listen", "--level", "Default", URL, NULL},
        {"listen", "--level", "high", URL, NULL},
        {"listen", "--count", "0", URL, NULL},
        {"listen", "--count", "1x", URL, NULL},
        {"listen", "--timeout", "-1", URL, NULL},
        {"listen", "--answer", "199", URL, NULL},
        {"listen", "--answer", "600", URL, NULL},
        {"listen", "--quiet", URL, NULL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_expect_eq(parse(rows[i]), CTL_USAGE, "row %zu", i);
}
