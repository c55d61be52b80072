#include "gateway/ctl/ctl.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/callback/callback.h"
#include "policy/repository/repository.h"

#define LIMIT_DEFAULT  50
#define LIMIT_MAX      100000000
#define CALL_CANCELLED 0x80041032u /* WBEM_E_CALL_CANCELLED */

enum operations_act {
    SHOW = 0,
    RETRY,
    CANCEL,
};

struct operations_options {
    enum operations_act act;
    bool json;
    enum operation_state state; /* NONE: all */
    size_t limit;
    char id[OPERATION_ID_TEXT]; /* "": the list */
};

/* -- the command line ----------------------------------------------------- */

static int
take_id(struct operations_options *o, const char *text)
{
    size_t length = strlen(text);

    if (o->id[0] != '\0')
        return ctl_misuse("operations: one ID at a time");
    for (size_t i = 0; i < length && i < OPERATION_ID_TEXT - 1; i++) {
        if (ascii_hex_value(text[i]) < 0)
            length = 0;
        o->id[i] = ascii_lower(text[i]);
    }
    if (length != OPERATION_ID_TEXT - 1)
        return ctl_misuse("operations: '%s' is no ID of %d hex digits", text,
                          OPERATION_ID_TEXT - 1);
    return 0;
}

static int
take_limit(struct operations_options *o, const char *text)
{
    char *end = NULL;
    unsigned long n = ascii_is_digit(text[0]) ? strtoul(text, &end, 10) : 0;

    if (end == NULL || *end != '\0' || n > LIMIT_MAX)
        return ctl_misuse("operations: '%s' is no number up to %d", text,
                          LIMIT_MAX);
    o->limit = n;
    return 0;
}

static int
take_option(struct operations_options *o, int option)
{
    switch (option) {
    case 'j':
        o->json = true;
        return 0;
    case 's':
        o->state = operation_state_find(span_of(optarg));
        if (o->state == OPERATION_STATE_NONE)
            return ctl_misuse("operations: there is no state '%s'", optarg);
        return 0;
    case 'l':
        return take_limit(o, optarg);
    case 'r':
        o->act = RETRY;
        return take_id(o, optarg);
    case 'c':
        o->act = CANCEL;
        return take_id(o, optarg);
    default:
        return ctl_option_refused();
    }
}

/* 0, or the exit status. */
static int
options_parse(struct operations_options *o, int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"state", required_argument, NULL, 's'},
        {"limit", required_argument, NULL, 'l'},
        {"retry", required_argument, NULL, 'r'},
        {"cancel", required_argument, NULL, 'c'},
        {NULL, 0, NULL, 0}};
    int option, status = 0;

    o->limit = LIMIT_DEFAULT;
    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        status = take_option(o, option);
        if (status != 0)
            return status;
    }
    for (; status == 0 && optind < argc; optind++)
        status = take_id(o, argv[optind]);
    return status;
}

/* -- printing ------------------------------------------------------------- */

/* Foreign text, and blanks up to the width of its column. */
static void
print_cell(struct span text, int width)
{
    struct span rest = text;

    ctl_print_text(stdout, text, false);
    for (; rest.length > 0; width--) {
        size_t n = utf8_sequence_length(rest);

        rest = span_skip(rest, n > 0 ? n : 1);
    }
    printf("%*s  ", width > 0 ? width : 0, "");
}

/* "12s", "3m", "5h", "4d"; nothing earlier than now. */
static void
span_of_time(int64_t us, char out[16])
{
    static const struct {
        int64_t seconds;
        char unit;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    int64_t seconds = us > 0 ? us / 1000000 : 0;
    size_t i = 0;

    while (i + 1 < ARRAY_COUNT(units) && seconds < 2 * units[i].seconds)
        i++;
    snprintf(out, 16, "%" PRId64 "%c", seconds / units[i].seconds,
             units[i].unit);
}

static void
print_row(const struct operation *o, int64_t now_us)
{
    char age[16], next[16] = "-", sent[32];

    span_of_time(now_us - o->created_us, age);
    if (o->next_us != 0)
        span_of_time(o->next_us - now_us, next);
    snprintf(sent, sizeof(sent), "%" PRIu32 "/%" PRIu32, o->sent, o->batches);
    printf("%-32s  %-10s  %5s  ", o->request.id,
           operation_state_name(o->state), age);
    print_cell(o->request.display, 20);
    print_cell(o->request.principal, 24);
    printf("%9s  %8" PRIu32 "  %5s  ", sent, o->attempts, next);
    ctl_print_text(stdout, o->reason, false);
    putchar('\n');
}

static void
print_header(void)
{
    printf("%-32s  %-10s  %5s  %-20s  %-24s  %9s  %8s  %5s  %s\n", "ID",
           "STATE", "AGE", "NAMESPACE", "PRINCIPAL", "SENT", "ATTEMPTS",
           "NEXT", "REASON");
}

static void
print_json(const struct operation *o)
{
    struct buf line = BUF_INIT;

    operation_format_json(o, true, &line);
    if (!buf_failed(&line))
        printf("%s\n", line.data);
    buf_fini(&line);
}

static void
print_line(const char *name, struct span text)
{
    if (text.length == 0)
        return;
    printf("%-12s ", name);
    ctl_print_text(stdout, text, false);
    putchar('\n');
}

static void
print_time(const char *name, int64_t time_us)
{
    char text[CLOCK_TEXT_MAX];

    if (time_us == 0)
        return;
    clock_format(time_us, text);
    print_line(name, span_of(text));
}

static void
print_whole(const struct operation *o)
{
    const struct operation_request *r = &o->request;
    bool under_way = o->state == OPERATION_DELIVERING;

    print_line("id", span_of(r->id));
    print_line("state", span_of(operation_state_name(o->state)));
    print_line("request", r->request_id);
    print_line("principal", r->principal);
    print_line("namespace", r->display);
    print_line("target", r->target);
    print_line("sink", r->sink);
    printf("%-12s required %s, declared %s, applied %s, floor %s\n", "levels",
           authn_level_name(r->required), authn_level_name(r->declared),
           authn_level_name(r->applied), authn_level_name(r->floor));
    printf("%-12s 0x%08" PRIX32 "\n", "hresult", o->hresult);
    print_line("reason", o->reason);
    print_line("detail", o->detail);
    printf("%-12s %" PRIu32 " of %" PRIu32 " batches (%" PRIu32
           " objects, %" PRIu64 " bytes held)\n",
           "sent", o->sent, o->batches, o->objects, o->bytes);
    printf("%-12s %" PRIu32 "\n", "attempts", o->attempts);
    print_time("created", o->created_us);
    print_time("next", o->next_us);
    print_time("give up", under_way ? o->give_up_us : 0);
    print_time("finished", o->finished_us);
    print_time("expires", o->expires_us);
}

/* -- acts ----------------------------------------------------------------- */

struct listing {
    bool json;
    int64_t now_us;
};

static bool
visit(void *arg, const struct operation *o)
{
    const struct listing *l = arg;

    if (l->json)
        print_json(o);
    else
        print_row(o, l->now_us);
    return ferror(stdout) == 0;
}

static int
list(struct outbox *b, const struct operations_options *options)
{
    struct listing l = {options->json, clock_now_us()};
    struct error err = {0, ""};

    if (!options->json)
        print_header();
    if (outbox_each(b, options->state, options->limit, visit, &l, &err) != 0)
        return ctl_fail("%s", err.text);
    return CTL_OK;
}

static int
retry(struct outbox *b, const struct operation *o, struct error *err)
{
    int done;

    if (o->state != OPERATION_DEAD) {
        error_set(err, "%s is %s: only a dead letter can be sent again",
                  o->request.id, operation_state_name(o->state));
        return -1;
    }
    done = outbox_revive(b, o->request.id, clock_now_us(), err);
    if (done == 0)
        error_set(err, "%s cannot be sent again", o->request.id);
    return done == 1 ? outbox_commit(b, err) : -1;
}

/* One that has ended is forgotten. */
static int
cancel(struct outbox *b, const struct operation *o, struct error *err)
{
    int result =
        o->state >= OPERATION_DONE
            ? outbox_remove(b, o->request.id, err)
            : outbox_set_end(b, o->request.id, OPERATION_CANCELLED,
                             CALL_CANCELLED, SPAN("cancelled"),
                             SPAN("by an administrator"), clock_now_us(), err);

    return result == 0 ? outbox_commit(b, err) : -1;
}

static int
change(const char *state_dir, enum operations_act act,
       const struct operation *o)
{
    struct outbox *b = NULL;
    struct error err = {0, ""};
    int result = -1;

    if (outbox_open(state_dir, OUTBOX_WRITE, &b, &err) == 0)
        result = act == RETRY ? retry(b, o, &err) : cancel(b, o, &err);
    outbox_close(b);
    if (result != 0)
        return ctl_fail("%s", err.text);
    printf("%s: %s\n", o->request.id,
           act == RETRY                 ? "will be sent again"
           : o->state >= OPERATION_DONE ? "removed"
                                        : "cancelled");
    return CTL_OK;
}

static int
act_on_one(struct outbox *b, const char *state_dir,
           const struct operations_options *options)
{
    struct arena *arena = arena_new();
    struct operation o;
    struct error err = {0, ""};
    int status = CTL_OK, found = -1;

    if (arena == NULL)
        return ctl_fail("out of memory");
    found = outbox_find(b, options->id, arena, &o, &err);
    if (found < 0)
        status = ctl_fail("%s", err.text);
    else if (found == 0)
        status = ctl_fail("there is no operation %s", options->id);
    else if (options->act != SHOW)
        status = change(state_dir, options->act, &o);
    else if (options->json)
        print_json(&o);
    else
        print_whole(&o);
    arena_free(arena);
    return status;
}

int
ctl_operations(const struct ctl *ctl, int argc, char **argv)
{
    struct operations_options o = {.act = SHOW};
    struct outbox *b = NULL;
    struct ctl_paths paths;
    struct error err = {0, ""};
    int status = options_parse(&o, argc, argv);

    if (status != 0)
        return status;
    if (ctl_paths_load(ctl, &paths, &err) != 0 ||
        ctl_state_enter(paths.state_dir, &err) != 0)
        return ctl_fail("%s", err.text);
    if (outbox_open(paths.state_dir, OUTBOX_READ, &b, &err) != 0)
        status = ctl_fail("%s", err.text);
    else if (o.id[0] != '\0')
        status = act_on_one(b, paths.state_dir, &o);
    else
        status = list(b, &o);
    outbox_close(b);
    state_owner_leave();
    return status;
}
