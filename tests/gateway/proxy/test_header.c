#include "gateway/proxy/proxy.h"

#include "tests/support/support.h"

SUITE(header);

static bool
request_passes(const char *name, const char *connection)
{
    return proxy_request_field_passes(span_of(name), span_of(connection),
                                      false);
}

Test(header, lets_nothing_through_that_says_who_somebody_is)
{
    static const char *const names[] = {"X-Remote-User",
                                        "x-remote-user",
                                        "X-REMOTE-GROUPS",
                                        "X_Remote_User",
                                        "X.Remote.User",
                                        "X!Remote-User",
                                        "X-Remote~User",
                                        "Client-Cert",
                                        "X-Forwarded",
                                        "Remote-User",
                                        "remote-groups",
                                        "X-Forwarded-For",
                                        "Forwarded",
                                        "Via",
                                        "X-Real-IP",
                                        "True-Client-IP",
                                        "X-Auth-Request-User",
                                        "X-Authenticated-Id",
                                        "X-User",
                                        "X-Userid",
                                        "X-Client-Cert",
                                        "SSL-Client-Cert",
                                        "SSL_CLIENT_CERT",
                                        "X-SSL-Client-Dn",
                                        "X-Nsgate-Level",
                                        "X-Request-Id",
                                        "X-Original-URL",
                                        "X-Rewrite-Url",
                                        "X-HTTP-Method-Override",
                                        "Impersonate-User",
                                        "From",
                                        "Proxy",
                                        "X-Cluster-Client-Ip"};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        cr_expect_not(request_passes(names[i], NULL), "%s", names[i]);
}

Test(header, lets_nothing_through_that_is_for_one_hop)
{
    static const char *const names[] = {"Connection",
                                        "Keep-Alive",
                                        "TE",
                                        "Trailer",
                                        "Transfer-Encoding",
                                        "Upgrade",
                                        "Proxy-Connection",
                                        "Proxy-Authorization",
                                        "Host",
                                        "Content-Length",
                                        "Expect",
                                        "HTTP2-Settings",
                                        "Authorization"};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        cr_expect_not(request_passes(names[i], NULL), "%s", names[i]);
    cr_expect_not(request_passes("X-Hop", "close, x-hop"));
    cr_expect(request_passes("X-Hop", "close, x-hops"));
    cr_expect(proxy_request_field_passes(SPAN("Authorization"), span_of(NULL),
                                         true));
}

Test(header, lets_the_rest_through)
{
    static const char *const names[] = {
        "Accept",        "Content-Type", "Cookie", "If-Match", "Range",
        "OData-Version", "User-Agent",   "Origin", "X-Custom", "SOAPAction"};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        cr_expect(request_passes(names[i], NULL), "%s", names[i]);
        cr_expect(proxy_answer_field_passes(span_of(names[i]), span_of(NULL)),
                  "%s", names[i]);
    }
}

Test(header, keeps_challenges_and_orders_for_servers_out_of_answers)
{
    static const char *const names[] = {"WWW-Authenticate",
                                        "Authentication-Info",
                                        "Proxy-Authenticate",
                                        "X-Accel-Redirect",
                                        "X-Accel-Expires",
                                        "X-Sendfile",
                                        "Surrogate-Control",
                                        "CDN-Cache-Control",
                                        "cloudflare-cdn-cache-control",
                                        "X-LiteSpeed-Cache-Control",
                                        "Edge-Control",
                                        "Alt-Svc",
                                        "Nsgate-Request-Id",
                                        "Nsgate-Audit",
                                        "X-Nsgate-Level",
                                        "Connection",
                                        "Content-Length",
                                        "Transfer-Encoding",
                                        "Upgrade"};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        cr_expect_not(
            proxy_answer_field_passes(span_of(names[i]), span_of(NULL)), "%s",
            names[i]);
    cr_expect_not(proxy_answer_field_passes(SPAN("X-Hop"), SPAN("X-Hop")));
}

Test(header, reads_all_connection_fields_as_one_list)
{
    const struct proxy_field fields[] = {
        {SPAN("Connection"), SPAN("close")},
        {SPAN("X-A"), SPAN("b")},
        {SPAN("connection"), SPAN("X-Hop , X-B")}};
    struct buf out = BUF_INIT;

    proxy_connection_list(fields, ARRAY_COUNT(fields), &out);
    cr_assert_str_eq(out.data, "close,X-Hop , X-B");
    cr_expect_not(request_passes("x-b", out.data));
    buf_fini(&out);
}
