#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/ctl/ctl.h"
#include "gateway/ctl/listen.h"

#define KEYTAB_DEFAULT "/etc/krb5.keytab"

enum {
    OPT_CERTIFICATE = 256,
    OPT_KEY,
    OPT_KEYTAB,
    OPT_NAME,
    OPT_GATEWAY,
    OPT_LEVEL,
    OPT_JSON,
    OPT_ONCE,
    OPT_COUNT,
    OPT_TIMEOUT,
    OPT_ANSWER,
};

static const struct option options[] = {
    {"certificate", required_argument, NULL, OPT_CERTIFICATE},
    {"key", required_argument, NULL, OPT_KEY},
    {"keytab", required_argument, NULL, OPT_KEYTAB},
    {"name", required_argument, NULL, OPT_NAME},
    {"gateway", required_argument, NULL, OPT_GATEWAY},
    {"level", required_argument, NULL, OPT_LEVEL},
    {"json", no_argument, NULL, OPT_JSON},
    {"once", no_argument, NULL, OPT_ONCE},
    {"count", required_argument, NULL, OPT_COUNT},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"answer", required_argument, NULL, OPT_ANSWER},
    {NULL, 0, NULL, 0},
};

/* 0, or the exit status. */
static int
take_number(const char *option, const char *text, unsigned min, unsigned max,
            unsigned *out)
{
    char *end = NULL;
    unsigned long n = ascii_is_digit(text[0]) ? strtoul(text, &end, 10) : 0;

    if (end == NULL || *end != '\0' || n < min || n > max)
        return ctl_misuse("listen: --%s %s: not %u to %u", option, text, min,
                          max);
    *out = (unsigned)n;
    return 0;
}

/* Whoever logs in has at least Connect: less would say nothing. */
static int
take_level(struct listen_options *o, const char *text)
{
    enum authn_level level;

    if (!authn_level_parse(span_of(text), &level) ||
        level < AUTHN_LEVEL_CONNECT)
        return ctl_misuse("listen: --level %s: not one of Connect, Call, "
                          "Pkt, PktIntegrity, PktPrivacy",
                          text);
    o->level = level == AUTHN_LEVEL_CALL ? AUTHN_LEVEL_PKT : level;
    return 0;
}

static int
take_name(struct listen_options *o, const char *text)
{
    if (strlen(text) >= sizeof(o->name))
        return ctl_misuse("listen: --name: too long");
    strcpy(o->name, text);
    return 0;
}

static const char **
text_option(struct listen_options *o, int option)
{
    switch (option) {
    case OPT_CERTIFICATE:
        return &o->certificate;
    case OPT_KEY:
        return &o->key;
    case OPT_KEYTAB:
        return &o->keytab;
    case OPT_GATEWAY:
        return &o->gateway;
    default:
        return NULL;
    }
}

static int
take_option(struct listen_options *o, int option)
{
    const char **text = text_option(o, option);
    unsigned n = 0;
    int status = 0;

    if (text != NULL) {
        *text = optarg;
        return 0;
    }
    switch (option) {
    case OPT_NAME:
        return take_name(o, optarg);
    case OPT_LEVEL:
        return take_level(o, optarg);
    case OPT_JSON:
        o->json = true;
        return 0;
    case OPT_ONCE:
        o->count = 1;
        return 0;
    case OPT_COUNT:
        return take_number("count", optarg, 1, 1000000, &o->count);
    case OPT_TIMEOUT:
        return take_number("timeout", optarg, 1, 86400, &o->timeout_s);
    case OPT_ANSWER:
        status = take_number("answer", optarg, 200, 599, &n);
        o->answer = (int)n;
        return status;
    default:
        fputs("Try 'nsgatectl --help'.\n", stderr);
        return CTL_USAGE;
    }
}

/* What the URL says unless an option says it. */
static int
settle(struct listen_options *o)
{
    if (o->url.tls && (o->certificate == NULL || o->key == NULL))
        return ctl_misuse("listen: https needs --certificate and --key");
    if (!o->url.tls && (o->certificate != NULL || o->key != NULL))
        return ctl_misuse("listen: --certificate and --key are for https");
    if (o->name[0] == '\0')
        snprintf(o->name, sizeof(o->name), "HTTP@%s", o->url.host);
    if (o->level == AUTHN_LEVEL_DEFAULT)
        o->level = o->url.tls ? AUTHN_LEVEL_PKT_PRIVACY : AUTHN_LEVEL_CONNECT;
    return 0;
}

int
listen_options_parse(struct listen_options *o, int argc, char **argv)
{
    struct error err = {0, ""};
    int option, status;

    *o = (struct listen_options){.keytab = KEYTAB_DEFAULT};
    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        status = take_option(o, option);
        if (status != 0)
            return status;
    }
    if (argc - optind != 1)
        return ctl_misuse("listen: one URL expected");
    if (client_url_split(argv[optind], &o->url, &err) != 0)
        return ctl_misuse("listen: %s", err.text);
    return settle(o);
}
