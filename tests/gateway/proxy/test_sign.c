/* The sign-in at upstreams, with a signer that notes what it is asked. */
#include "gateway/proxy/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/support.h"

SUITE(sign);

struct proxy_proof {
    unsigned number;
};

static struct notes {
    unsigned signed_, verified, discarded, refused;
    char token[64];
    bool none, dishonest;
} notes;

static bool
ready(void *arg, const struct config_upstream *u)
{
    (void)arg;
    return strcmp(u->service, "HTTP@ready") == 0;
}

static struct proxy_proof *
sign(void *arg, const struct config_upstream *u, struct buf *out,
     struct error *err)
{
    struct proxy_proof *p;

    (void)arg;
    (void)u;
    if (notes.none) {
        error_set(err, "no ticket");
        return NULL;
    }
    p = malloc(sizeof(*p));
    p->number = ++notes.signed_;
    buf_addf(out, "Negotiate %u", p->number);
    return p;
}

static int
verify(struct proxy_proof *p, struct span token, struct error *err)
{
    cr_assert_eq(p->number, notes.signed_);
    notes.verified++;
    snprintf(notes.token, sizeof(notes.token), "%.*s", (int)token.length,
             token.length > 0 ? token.data : "");
    return notes.dishonest ? error_set(err, "somebody else") : 0;
}

static void
discard(struct proxy_proof *p)
{
    notes.discarded += p != NULL;
    free(p);
}

static void
refused(void *arg, const struct config_upstream *u)
{
    (void)arg;
    (void)u;
    notes.refused++;
}

static const struct config_upstream wanting[] = {
    {.url = "unix:/a", .unix_path = "/a", .service = "HTTP@absent"},
    {.url = "unix:/b", .unix_path = "/b", .service = "HTTP@ready"},
};

struct world {
    struct proxy proxy;
    struct proxy_route route;
    struct config_route config;
    struct upstream upstreams[2];
    struct proxy_transfer t;
};

static void
begin(struct world *w)
{
    memset(w, 0, sizeof(*w));
    memset(&notes, 0, sizeof(notes));
    w->proxy.options.signer =
        (struct proxy_signer){NULL, ready, sign, verify, discard, refused};
    w->config = (struct config_route){
        .negotiate = true, .upstreams = wanting, .upstream_count = 2};
    w->upstreams[0].config = &wanting[0];
    w->upstreams[1].config = &wanting[1];
    w->route = (struct proxy_route){
        .proxy = &w->proxy, .config = &w->config, .upstreams = w->upstreams};
    w->t.route = &w->route;
    w->t.upstream = &w->upstreams[1];
    w->t.easy = curl_easy_init();
    w->t.headers = curl_slist_append(NULL, "X-Plain: kept");
}

static void
end(struct world *w)
{
    sign_fini(&w->t);
    cr_expect_null(w->t.proof);
    cr_expect_eq(notes.signed_, notes.discarded, "%u made, %u let go",
                 notes.signed_, notes.discarded);
    curl_slist_free_all(w->t.headers);
    curl_easy_cleanup(w->t.easy);
}

Test(sign, gives_each_attempt_a_token_of_its_own)
{
    struct world w;

    begin(&w);
    for (unsigned i = 1; i <= 3; i++) {
        char line[64];

        snprintf(line, sizeof(line), "Authorization: Negotiate %u", i);
        cr_assert(sign_request(&w.t));
        cr_expect_str_eq(w.t.signature->data, line);
        cr_expect_str_eq(w.t.signature->next->data, "X-Plain: kept");
        cr_expect_null(w.t.signature->next->next);
    }
    end(&w);
}

Test(sign, lets_nothing_be_sent_without_a_token)
{
    struct world w;

    begin(&w);
    notes.none = true;
    cr_assert_not(sign_request(&w.t));
    cr_expect_eq(w.t.refusal, PROXY_FAILURE_TICKET);
    cr_expect_str_eq(w.t.why.text, "no ticket");
    cr_expect_null(w.t.signature);
    end(&w);
}

#define WWW "WWW-Authenticate"

Test(sign, finds_the_one_token_among_the_challenges)
{
    static const struct {
        const char *first, *second; /* values; NULL: no such field */
        const char *token;          /* NULL: refused unasked */
    } rows[] = {
        {"Negotiate abc=", NULL, "abc="},
        {"negotiate  abc", NULL, "abc"},
        {"Basic realm=\"x\", Negotiate abc", NULL, "abc"},
        {"Basic realm=\"x\"", "NEGOTIATE abc", "abc"},
        {"Negotiate abc", "Basic realm=\"x\"", "abc"},
        {"Negotiate", NULL, ""},
        {"Negotiateabc", NULL, ""},
        {"Kerberos abc", NULL, ""},
        {NULL, NULL, ""},
        {"Negotiate abc", "Negotiate def", NULL},
        {"Negotiate abc, Negotiate abc", NULL, NULL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct proxy_field fields[] = {
            {SPAN("www-authenticate"), span_of(rows[i].first)},
            {SPAN(WWW), span_of(rows[i].second)},
            {SPAN("X-Authenticate"), SPAN("Negotiate zzz")}};
        struct world w;
        bool good;

        begin(&w);
        sign_request(&w.t);
        good = sign_verify(&w.t, 200, fields, ARRAY_COUNT(fields));
        cr_expect_eq(good, rows[i].token != NULL, "row %zu", i);
        cr_expect_eq(notes.verified, rows[i].token != NULL, "row %zu", i);
        if (rows[i].token != NULL)
            cr_expect_str_eq(notes.token, rows[i].token, "row %zu", i);
        else
            cr_expect_eq(w.t.refusal, PROXY_FAILURE_IDENTITY);
        end(&w);
    }
}

Test(sign, passes_no_answer_of_somebody_else_whatever_its_status)
{
    static const struct {
        int status;
        bool passes; /* to be answered 502 by whoever is told */
        unsigned verified, refused;
    } rows[] = {
        {200, false, 1, 0}, {204, false, 1, 0}, {304, false, 1, 0},
        {403, false, 1, 0}, {500, false, 1, 0}, {401, true, 0, 1},
        {407, true, 0, 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct proxy_field field = {SPAN(WWW), SPAN("Negotiate abc")};
        struct world w;

        begin(&w);
        notes.dishonest = true;
        sign_request(&w.t);
        cr_expect_eq(sign_verify(&w.t, rows[i].status, &field, 1),
                     rows[i].passes, "%d", rows[i].status);
        cr_expect_eq(notes.verified, rows[i].verified, "%d", rows[i].status);
        cr_expect_eq(notes.refused, rows[i].refused, "%d", rows[i].status);
        if (!rows[i].passes)
            cr_expect_eq(w.t.refusal, PROXY_FAILURE_IDENTITY);
        end(&w);
    }
}

Test(sign, takes_one_answer_for_one_token)
{
    const struct proxy_field field = {SPAN(WWW), SPAN("Negotiate abc")};
    struct world w;

    begin(&w);
    cr_expect_not(sign_verify(&w.t, 200, &field, 1));
    sign_request(&w.t);
    cr_expect(sign_verify(&w.t, 200, &field, 1));
    cr_expect_not(sign_verify(&w.t, 200, &field, 1));
    end(&w);
}

Test(sign, is_asked_of_no_upstream_without_a_service)
{
    static const struct config_upstream plain = {.url = "unix:/c",
                                                 .unix_path = "/c"};
    struct world w;

    begin(&w);
    w.upstreams[1].config = &plain;
    cr_expect(sign_verify(&w.t, 200, NULL, 0));
    cr_expect_eq(notes.verified, 0);
    end(&w);
}

Test(sign, leaves_upstreams_out_that_there_is_no_ticket_for)
{
    struct world w;

    begin(&w);
    cr_expect(proxy_route_is_ready(&w.route));
    for (int i = 0; i < 4; i++)
        cr_expect_eq(route_pick_upstream(&w.route, 0), &w.upstreams[1]);
    w.upstreams[1].config = &wanting[0];
    cr_expect_not(proxy_route_is_ready(&w.route));
    cr_expect_null(route_pick_upstream(&w.route, 0));
    end(&w);
}
