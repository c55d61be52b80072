#include "gateway/event/event.h"

/* Append only: a number once given keeps its meaning for ever. */
static const struct event_type types[] = {
    {EVENT_STARTED, "started", EVENT_INFORMATION, "the gateway is ready",
     false, false},
    {EVENT_STOPPED, "stopped", EVENT_INFORMATION, "the gateway has stopped",
     false, false},
    {EVENT_RELOADED, "reloaded", EVENT_INFORMATION,
     "a changed configuration is in force", false, false},
    {EVENT_RELOAD_FAILED, "reload-failed", EVENT_ERROR,
     "the configuration could not be loaded; the old one stays in force",
     false, false},
    {EVENT_WORKER_DIED, "worker-died", EVENT_ERROR,
     "a process of the gateway ended unexpectedly and was replaced", false,
     false},
    {EVENT_POLICY_ACTIVATED, "policy-activated", EVENT_INFORMATION,
     "a compiled policy is in force", false, false},
    {EVENT_POLICY_UNAVAILABLE, "policy-unavailable", EVENT_ERROR,
     "the policy image is missing or damaged; every request is refused", true,
     false},
    {EVENT_POLICY_REBUILT, "policy-rebuilt", EVENT_WARNING,
     "the policy image was built anew from the repository", false, false},
    {EVENT_KEYTAB_CHANGED, "keytab-changed", EVENT_INFORMATION,
     "a changed keytab is in use", false, false},
    {EVENT_KEYTAB_FAILED, "keytab-failed", EVENT_ERROR,
     "a changed keytab cannot be used; the old keys stay in use", true, false},
    {EVENT_CERTIFICATE_CHANGED, "certificate-changed", EVENT_INFORMATION,
     "changed certificates, keys or secrets of a listener are in use", false,
     false},
    {EVENT_CERTIFICATE_FAILED, "certificate-failed", EVENT_ERROR,
     "changed certificates, keys or secrets of a listener cannot be used; the "
     "old ones stay in use",
     false, false},
    {EVENT_AUTHENTICATION_FAILED, "authentication-failed", EVENT_WARNING,
     "a token was not accepted", true, true},
    {EVENT_ACCESS_REFUSED, "access-refused", EVENT_WARNING,
     "an authenticated principal was refused", true, false},
    {EVENT_REQUEST_MALFORMED, "request-malformed", EVENT_WARNING,
     "a malformed request was refused", true, true},
    {EVENT_AUDITED, "audited", EVENT_WARNING,
     "a request was let in only because of enforcement = audit", true, false},
    {EVENT_CHALLENGED, "challenged", EVENT_INFORMATION,
     "a request without a token was answered 401", true, true},
    {EVENT_LOST, "events-lost", EVENT_ERROR,
     "events could not be recorded; count says how many", false, false},
    {EVENT_CALLBACK_FAILED, "callback-failed", EVENT_WARNING,
     "results could not be delivered and were given up", true, false},
    {EVENT_OPERATIONS_LOST, "operations-lost", EVENT_ERROR,
     "asynchronous operations were lost: their outbox was damaged and set "
     "aside, or dead letters made room",
     false, false},
    {EVENT_UPSTREAM_FAILED, "upstream-failed", EVENT_WARNING,
     "a server that a route forwards to gave no usable answer", true, false},
    {EVENT_ENCRYPTION_REQUIRED, "encryption-required", EVENT_WARNING,
     "a request to a namespace that requires encryption was denied because "
     "it came below PktPrivacy, or unbound where the listener wants it bound",
     true, false},
    {EVENT_CALLBACK_NOT_SECURE, "callback-not-secure", EVENT_WARNING,
     "results could not be delivered because no secure connection to the "
     "client could be made",
     true, false},
};

static const char *const field_names[EVENT_FIELD_COUNT] = {
    [EVENT_FIELD_REQUEST_ID] = "requestId",
    [EVENT_FIELD_NAMESPACE] = "namespace",
    [EVENT_FIELD_PRINCIPAL] = "principal",
    [EVENT_FIELD_CLIENT] = "client",
    [EVENT_FIELD_LISTENER] = "listener",
    [EVENT_FIELD_METHOD] = "method",
    [EVENT_FIELD_TARGET] = "target",
    [EVENT_FIELD_REQUIRED_LEVEL] = "requiredLevel",
    [EVENT_FIELD_EFFECTIVE_LEVEL] = "effectiveLevel",
    [EVENT_FIELD_DECLARED_LEVEL] = "declaredLevel",
    [EVENT_FIELD_APPLIED_LEVEL] = "appliedLevel",
    [EVENT_FIELD_CHANNEL] = "channel",
    [EVENT_FIELD_BINDING] = "binding",
    [EVENT_FIELD_REASON] = "reason",
    [EVENT_FIELD_DETAIL] = "detail",
    [EVENT_FIELD_REMEDY] = "remedy",
};

const struct event_type *
event_type_at(size_t index)
{
    return index < ARRAY_COUNT(types) ? &types[index] : NULL;
}

const struct event_type *
event_type(enum event_id id)
{
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (types[i].id == id)
            return &types[i];
    }
    return NULL;
}

const char *
event_field_name(enum event_field field)
{
    return (unsigned)field < EVENT_FIELD_COUNT ? field_names[field] : NULL;
}
