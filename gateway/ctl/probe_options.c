#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/ctl/ctl.h"
#include "gateway/ctl/probe.h"

enum {
    OPT_LEVEL = 256,
    OPT_PRINCIPAL,
    OPT_CCACHE,
    OPT_SPN,
    OPT_CACERT,
    OPT_BIND,
    OPT_NO_BIND,
    OPT_UNIX,
    OPT_RAW,
    OPT_FLAGS,
    OPT_LIBRARY_FLAGS,
    OPT_MUTUAL,
    OPT_METHOD,
    OPT_HEADER,
    OPT_DATA,
    OPT_TIMEOUT,
    OPT_JSON,
    OPT_VERBOSE,
    OPT_TOKEN_ONLY,
    OPT_MESSAGE_ENCRYPTION,
};

static const struct option options[] = {
    {"level", required_argument, NULL, OPT_LEVEL},
    {"principal", required_argument, NULL, OPT_PRINCIPAL},
    {"ccache", required_argument, NULL, OPT_CCACHE},
    {"spn", required_argument, NULL, OPT_SPN},
    {"cacert", required_argument, NULL, OPT_CACERT},
    {"bind-channel", no_argument, NULL, OPT_BIND},
    {"no-channel-binding", no_argument, NULL, OPT_NO_BIND},
    {"unix", required_argument, NULL, OPT_UNIX},
    {"raw-krb5", no_argument, NULL, OPT_RAW},
    {"flags", required_argument, NULL, OPT_FLAGS},
    {"library-flags", no_argument, NULL, OPT_LIBRARY_FLAGS},
    {"mutual", no_argument, NULL, OPT_MUTUAL},
    {"method", required_argument, NULL, OPT_METHOD},
    {"header", required_argument, NULL, OPT_HEADER},
    {"data", required_argument, NULL, OPT_DATA},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"json", no_argument, NULL, OPT_JSON},
    {"verbose", no_argument, NULL, OPT_VERBOSE},
    {"token-only", no_argument, NULL, OPT_TOKEN_ONLY},
    {"message-encryption", no_argument, NULL, OPT_MESSAGE_ENCRYPTION},
    {NULL, 0, NULL, 0},
};

/* The whole of text as a number; false otherwise. */
static bool
number_parse(const char *text, unsigned long max, unsigned long *out)
{
    char *end;

    if (!ascii_is_digit(text[0]))
        return false;
    *out = strtoul(text, &end, 0);
    return *end == '\0' && *out <= max;
}

/* Anything that could end the header line early is ours to refuse. */
static bool
header_is_sound(const char *line)
{
    const char *colon = strchr(line, ':');

    return colon != NULL && colon != line && strpbrk(line, "\r\n") == NULL;
}

static int
take_number(struct probe_options *o, int option, const char *text)
{
    unsigned long n;

    if (option == OPT_FLAGS) {
        if (!number_parse(text, UINT32_MAX, &n))
            return ctl_misuse("probe: --flags %s: not a 32 bit number", text);
        o->flags = (uint32_t)n;
        o->flags_given = true;
        return 0;
    }
    if (!number_parse(text, 3600, &n) || n == 0)
        return ctl_misuse("probe: --timeout %s: not 1 to 3600 seconds", text);
    o->timeout_ms = (unsigned)n * 1000;
    return 0;
}

static int
take_level(struct probe_options *o, const char *text)
{
    if (!authn_level_parse(span_of(text), &o->level))
        return ctl_misuse("probe: --level %s: not one of Default, None, "
                          "Connect, Call, Pkt, PktIntegrity, PktPrivacy",
                          text);
    return 0;
}

static int
take_header(struct probe_options *o, const char *line)
{
    if (!header_is_sound(line))
        return ctl_misuse("probe: --header: 'Name: value' expected");
    if (o->header_count == PROBE_HEADERS_MAX)
        return ctl_misuse("probe: more than %d --header options",
                          PROBE_HEADERS_MAX);
    o->headers[o->header_count++] = line;
    return 0;
}

static bool
take_flag(struct probe_options *o, int option)
{
    switch (option) {
    case OPT_BIND:
        o->binding = PROBE_BINDING_ON;
        return true;
    case OPT_NO_BIND:
        o->binding = PROBE_BINDING_OFF;
        return true;
    case OPT_RAW:
        o->raw_krb5 = true;
        return true;
    case OPT_LIBRARY_FLAGS:
        o->library_flags = true;
        return true;
    case OPT_MUTUAL:
        o->mutual = true;
        return true;
    case OPT_JSON:
        o->json = true;
        return true;
    case OPT_VERBOSE:
        o->verbose = true;
        return true;
    case OPT_TOKEN_ONLY:
        o->token_only = true;
        return true;
    case OPT_MESSAGE_ENCRYPTION:
        o->message_encryption = true;
        return true;
    default:
        return false;
    }
}

static const char **
text_option(struct probe_options *o, int option)
{
    switch (option) {
    case OPT_PRINCIPAL:
        return &o->principal;
    case OPT_CCACHE:
        return &o->ccache;
    case OPT_SPN:
        return &o->spn;
    case OPT_CACERT:
        return &o->cacert;
    case OPT_UNIX:
        return &o->unix_path;
    case OPT_METHOD:
        return &o->method;
    case OPT_DATA:
        return &o->body;
    default:
        return NULL;
    }
}

static int
take_option(struct probe_options *o, int option)
{
    const char **text = text_option(o, option);

    if (text != NULL) {
        *text = optarg;
        return 0;
    }
    if (take_flag(o, option))
        return 0;
    if (option == OPT_LEVEL)
        return take_level(o, optarg);
    if (option == OPT_HEADER)
        return take_header(o, optarg);
    if (option == OPT_FLAGS || option == OPT_TIMEOUT)
        return take_number(o, option, optarg);
    return ctl_option_refused();
}

/* What the level says unless --flags says it. */
static int
settle(struct probe_options *o)
{
    bool no_ci = true;

    if (o->token_only && o->level == AUTHN_LEVEL_NONE && !o->flags_given)
        return ctl_misuse("probe: --level None has no token");
    if (o->method[0] == '\0' || strpbrk(o->method, " \t\r\n") != NULL)
        return ctl_misuse("probe: --method: one word expected");
    if (!o->flags_given && o->level != AUTHN_LEVEL_NONE &&
        !initiator_flags_for_level(o->level, &o->flags, &no_ci))
        return ctl_misuse("probe: no context declares %s",
                          authn_level_name(o->level));
    if (o->mutual)
        o->flags |= PROBE_FLAG_MUTUAL;
    if (o->message_encryption &&
        (o->unix_path != NULL || o->token_only ||
         (o->level == AUTHN_LEVEL_NONE && !o->flags_given)))
        return ctl_misuse("probe: --message-encryption needs a token and a"
                          " TCP connection, and sends a request");
    return 0;
}

int
probe_options_parse(struct probe_options *o, int argc, char **argv)
{
    const char *bundle;
    int option, status;

    *o = (struct probe_options){.method = "GET",
                                .level = AUTHN_LEVEL_PKT_PRIVACY,
                                .timeout_ms = 30000};
    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        status = take_option(o, option);
        if (status != 0)
            return status;
    }
    if (argc - optind != 1)
        return ctl_misuse("probe: one URL expected");
    o->url = argv[optind];
    /* As the clients do whose place this one takes. */
    bundle = getenv("CURL_CA_BUNDLE");
    if (o->cacert == NULL && bundle != NULL && bundle[0] != '\0')
        o->cacert = bundle;
    return settle(o);
}
