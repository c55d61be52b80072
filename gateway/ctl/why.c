#include "gateway/ctl/ctl.h"

#include <string.h>

#include "gateway/event/event.h"
#include "policy/repository/repository.h"

/* What to do, where the event itself brings no remedy. */
static const struct {
    const char *reason;
    const char *remedy;
} remedies[] = {
    {"channel-not-private",
     "Use https, or a listener whose channel is local; if a TLS proxy is in "
     "front, declare its listener as trusted_proxy."},
    {"context-not-private",
     "Have the client ask for confidentiality (GSS_C_CONF_FLAG; PktPrivacy "
     "in a script)."},
    {"not-bound", "Use a client that sends channel bindings, or set "
                  "encrypted_needs_binding = no on the listener."},
    {"not-listed", "Add the principal to allow in the namespace's access "
                   "section and run nsgatectl reload, if it should come "
                   "in."},
    {"realm-not-allowed", "Add the realm to realms and run nsgatectl reload, "
                          "if its principals should come in."},
    {"no-policy", "Run nsgatectl doctor: the policy image or the repository "
                  "is missing, damaged, or not for the workers to read."},
};

static struct span
field(const struct event *e, enum event_field f)
{
    return e->fields[f];
}

static void
say(const char *before, struct span text, const char *after)
{
    if (text.length == 0)
        return;
    fputs(before, stdout);
    ctl_print_text(stdout, text, false);
    fputs(after, stdout);
}

static void
say_request(const struct event *e)
{
    char time[CLOCK_TEXT_MAX];

    clock_format(e->time_us, time);
    fputs(time, stdout);
    say(": ", field(e, EVENT_FIELD_METHOD), "");
    say(" ", field(e, EVENT_FIELD_TARGET), "");
    say(" from ", field(e, EVENT_FIELD_CLIENT), "");
    say(" by listener ", field(e, EVENT_FIELD_LISTENER), "");
    say(", as ", field(e, EVENT_FIELD_PRINCIPAL), "");
    puts(".");
}

static bool
has_reason(const struct event *e, const char *reason)
{
    return span_equal(field(e, EVENT_FIELD_REASON), span_of(reason));
}

/* Who wanted the level: the namespace, or the listener. */
static void
say_requirement(const struct event *e)
{
    if (has_reason(e, "below-minimum-level"))
        say("listener ", field(e, EVENT_FIELD_LISTENER), " requires ");
    else
        say("", field(e, EVENT_FIELD_NAMESPACE), " requires ");
    say("", field(e, EVENT_FIELD_REQUIRED_LEVEL), "");
    if (has_reason(e, "not-bound"))
        say(", and listener ", field(e, EVENT_FIELD_LISTENER),
            " a token that is bound to the connection (this one was not)");
    fputs("; ", stdout);
}

static void
say_levels(const struct event *e)
{
    if (field(e, EVENT_FIELD_REQUIRED_LEVEL).length == 0)
        return;
    say_requirement(e);
    say("the request reached it at ", field(e, EVENT_FIELD_EFFECTIVE_LEVEL),
        "");
    say(": its context declares ", field(e, EVENT_FIELD_DECLARED_LEVEL), "");
    say(", its channel (", field(e, EVENT_FIELD_CHANNEL), ")");
    say(" applies ", field(e, EVENT_FIELD_APPLIED_LEVEL), "");
    puts(".");
}

/* The level that is too low is that of the channel, or the context's. */
static struct span
remedy_of_minimum(const struct event *e)
{
    enum authn_level required, applied;

    if (authn_level_parse(field(e, EVENT_FIELD_REQUIRED_LEVEL), &required) &&
        authn_level_parse(field(e, EVENT_FIELD_APPLIED_LEVEL), &applied) &&
        applied < required)
        return SPAN("Use https, which applies PktPrivacy, or lower the "
                    "listener's minimum_level.");
    return SPAN("Have the client ask for more (nsgatectl probe --level shows "
                "what it would get), or lower the listener's minimum_level.");
}

static struct span
remedy_of(const struct event *e)
{
    if (field(e, EVENT_FIELD_REMEDY).length > 0)
        return field(e, EVENT_FIELD_REMEDY);
    if (has_reason(e, "below-minimum-level"))
        return remedy_of_minimum(e);
    for (size_t i = 0; i < ARRAY_COUNT(remedies); i++)
        if (has_reason(e, remedies[i].reason))
            return span_of(remedies[i].remedy);
    return (struct span){NULL, 0};
}

static void
print_why(void *arg, int64_t row, const struct event *e)
{
    const struct event_type *type = event_type(e->id);

    (void)arg;
    (void)row;
    say_request(e);
    printf("Event %d: %s\n", (int)e->id,
           type != NULL ? type->summary : "unknown");
    say_levels(e);
    say("Reason: ", field(e, EVENT_FIELD_REASON), ".\n");
    say("Cause: ", field(e, EVENT_FIELD_DETAIL), "\n");
    say("Remedy: ", remedy_of(e), "\n");
}

int
ctl_why(const struct ctl *ctl, int argc, char **argv)
{
    struct event_reader *reader = NULL;
    struct ctl_paths paths;
    struct error err = {0, ""};
    int found = -1;

    if (argc != 2 || argv[1][0] == '-')
        return ctl_misuse("why: REQUEST-ID expected");
    if (ctl_paths_load(ctl, &paths, &err) != 0 ||
        ctl_state_enter(paths.state_dir, &err) != 0)
        return ctl_fail("%s", err.text);
    if (event_reader_open(paths.state_dir, &reader, &err) == 0) {
        found =
            event_reader_why(reader, span_of(argv[1]), print_why, NULL, &err);
        event_reader_close(reader);
    }
    state_owner_leave();
    if (found < 0)
        return ctl_fail("%s", err.text);
    if (found == 0)
        return ctl_fail("no event of request %s: it was admitted; or it was "
                        "answered 404 or 405, of which only the access "
                        "record tells; or its event is gone from the log",
                        argv[1]);
    return CTL_OK;
}
