#include "gateway/ctl/ctl.h"

#include <getopt.h>
#include <stdlib.h>
#include <time.h>

#include "gateway/event/event.h"
#include "policy/repository/repository.h"

/* Half of the second within which an event must be visible. */
#define FOLLOW_INTERVAL_MS 250
#define LIMIT_DEFAULT      50

struct events_options {
    bool follow, json;
    bool limit_given;
    struct event_filter filter;
    struct namespace_path namespace;
};

static int
take_namespace(struct events_options *o, const char *text)
{
    struct error err = {0, ""};

    if (namespace_path_parse(&o->namespace, span_of(text), &err) !=
        NAMESPACE_PATH_OK)
        return ctl_misuse("events: %s", err.text);
    o->filter.namespace = namespace_path_span(&o->namespace);
    return 0;
}

static int
take_number(const char *text, unsigned long max, unsigned long *out)
{
    char *end = NULL;

    *out = ascii_is_digit(text[0]) ? strtoul(text, &end, 10) : 0;
    if (end == NULL || *end != '\0' || *out > max)
        return ctl_misuse("events: '%s' is no number up to %lu", text, max);
    return 0;
}

static int
take_option(struct events_options *o, int option)
{
    unsigned long n = 0;
    int status = 0;

    switch (option) {
    case 'f':
        o->follow = true;
        break;
    case 'j':
        o->json = true;
        break;
    case 'n':
        return take_namespace(o, optarg);
    case 'i':
        status = take_number(optarg, 65535, &n);
        o->filter.id = (enum event_id)n;
        if (status == 0 && event_type(o->filter.id) == NULL)
            status = ctl_misuse("events: there is no event %lu", n);
        break;
    case 'l':
        status = take_number(optarg, 100000000, &n);
        o->filter.limit = n;
        o->limit_given = true;
        break;
    default:
        status = ctl_option_refused();
    }
    return status;
}

/* 0, or the exit status. */
static int
options_parse(struct events_options *o, int argc, char **argv)
{
    static const struct option options[] = {
        {"follow", no_argument, NULL, 'f'},
        {"json", no_argument, NULL, 'j'},
        {"namespace", required_argument, NULL, 'n'},
        {"id", required_argument, NULL, 'i'},
        {"limit", required_argument, NULL, 'l'},
        {NULL, 0, NULL, 0}};
    int option, status;

    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        status = take_option(o, option);
        if (status != 0)
            return status;
    }
    if (optind != argc)
        return ctl_misuse("events takes no argument");
    if (!o->limit_given)
        o->filter.limit = LIMIT_DEFAULT;
    o->filter.tail = true;
    return 0;
}

struct printing {
    bool json;
    bool silent; /* only find the place from which to follow */
    int64_t last_row;
    struct buf line;
};

static bool
print_event(void *arg, int64_t row, const struct event *e)
{
    struct printing *p = arg;

    p->last_row = row;
    if (p->silent)
        return true;
    buf_reset(&p->line);
    if (p->json)
        event_format_json(e, row, &p->line);
    else
        event_format_line(e, &p->line);
    if (buf_failed(&p->line))
        return false;
    printf("%s\n", p->line.data);
    return true;
}

/* The log is opened anew each round: a recorder that begins a new file after
 * a damaged one is followed too, and no read is held open. */
static int
read_once(const char *state_dir, const struct event_filter *filter,
          struct printing *p, struct error *err)
{
    struct event_reader *reader = NULL;
    int result = -1;

    if (ctl_state_enter(state_dir, err) != 0)
        return -1;
    if (event_reader_open(state_dir, &reader, err) == 0) {
        result = event_reader_each(reader, filter, print_event, p, err);
        event_reader_close(reader);
    }
    state_owner_leave();
    return result;
}

static int
follow(const char *state_dir, struct event_filter *filter, struct printing *p,
       struct error *err)
{
    const struct timespec pause = {0, FOLLOW_INTERVAL_MS * 1000000L};

    filter->limit = 0;
    filter->tail = false;
    for (;;) {
        filter->after_row = p->last_row;
        if (read_once(state_dir, filter, p, err) != 0)
            return -1;
        if (fflush(stdout) != 0)
            return 0;
        nanosleep(&pause, NULL);
    }
}

int
ctl_events(const struct ctl *ctl, int argc, char **argv)
{
    struct events_options o = {0};
    struct printing p = {.line = BUF_INIT};
    struct ctl_paths paths;
    struct error err = {0, ""};
    int status = options_parse(&o, argc, argv);

    if (status != 0)
        return status;
    if (ctl_paths_load(ctl, &paths, &err) != 0)
        return ctl_fail("%s", err.text);
    p.json = o.json;
    if (o.filter.limit == 0) { /* none of the past */
        o.filter.limit = 1;
        p.silent = true;
    }
    if (read_once(paths.state_dir, &o.filter, &p, &err) != 0)
        status = ctl_fail("%s", err.text);
    p.silent = false;
    if (status == CTL_OK && o.follow &&
        follow(paths.state_dir, &o.filter, &p, &err) != 0)
        status = ctl_fail("%s", err.text);
    buf_fini(&p.line);
    return status;
}
