/* The envelopes that answer: faults and IdentifyResponse. */
#include "gateway/wsman/wsman.h"

#include "gateway/wsman/names.h"

#define DETAIL "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"

#define ACTION_WSA   NS_ADDRESS "/fault"
#define ACTION_WSMAN "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
#define ACTION_SOAP  NS_ADDRESS "/fault"

/* The wording is DSP0226 14.6's and SOAP 1.2's; the numbers are those that
 * Windows' clients know (MS-WSMV 2.2.4.43). */
static const struct fault_row {
    const char *name;
    const char *action;
    const char *code, *subcode; /* subcode NULL: none */
    unsigned number;
    const char *detail; /* NULL: none */
    const char *reason;
} faults[] = {
    [WSMAN_FAULT_INTERNAL] =
        {"InternalError", ACTION_WSMAN, "s:Receiver", "w:InternalError", 1359,
         NULL,
         "The service cannot comply with the request because of an internal"
         " error."},
    [WSMAN_FAULT_UNAVAILABLE] =
        {"EndpointUnavailable", ACTION_WSA, "s:Receiver",
         "a:EndpointUnavailable", 2150858772, NULL,
         "The specified endpoint is currently unavailable."},
    [WSMAN_FAULT_ACCESS_DENIED] =
        {"AccessDenied", ACTION_WSMAN, "s:Sender", "w:AccessDenied",
         2150859012, NULL,
         "The sender was not authorized to access the resource."},
    [WSMAN_FAULT_SCHEMA] =
        {"SchemaValidationError", ACTION_WSMAN, "s:Sender",
         "w:SchemaValidationError", 2150858817, NULL,
         "The supplied SOAP violates the corresponding XML schema"
         " definition."},
    [WSMAN_FAULT_VERSION] = {"VersionMismatch", ACTION_SOAP,
                             "s:VersionMismatch", NULL, 2150858817, NULL,
                             "The envelope is not one of SOAP 1.2."},
    [WSMAN_FAULT_NOT_UNDERSTOOD] =
        {"MustUnderstand", ACTION_SOAP, "s:MustUnderstand", NULL, 2150858768,
         NULL, "A header that must be understood is not."},
    [WSMAN_FAULT_INVALID_HEADER] =
        {"InvalidMessageInformationHeader", ACTION_WSA, "s:Sender",
         "a:InvalidMessageInformationHeader", 2150858767, NULL,
         "A message information header is not valid, and the message cannot"
         " be processed."},
    [WSMAN_FAULT_HEADER_REQUIRED] = {"MessageInformationHeaderRequired",
                                     ACTION_WSA, "s:Sender",
                                     "a:MessageInformationHeaderRequired",
                                     2150858769, NULL,
                                     "A required header is missing."},
    [WSMAN_FAULT_INVALID_SELECTORS] =
        {"InvalidSelectors", ACTION_WSMAN, "s:Sender", "w:InvalidSelectors",
         2150858813, NULL, "The selectors for the resource are not valid."},
    [WSMAN_FAULT_RESOURCE] =
        {"DestinationUnreachable", ACTION_WSA, "s:Sender",
         "a:DestinationUnreachable", 2150858811, DETAIL "InvalidResourceURI",
         "No route can be determined to reach the destination role defined"
         " by the WS-Addressing To."},
    [WSMAN_FAULT_ADDRESSING] = {"UnsupportedFeature", ACTION_WSMAN, "s:Sender",
                                "w:UnsupportedFeature", 2150858818,
                                DETAIL "AddressingMode",
                                "The specified feature is not supported."},
    [WSMAN_FAULT_ACTION] = {"ActionNotSupported", ACTION_WSA, "s:Sender",
                            "a:ActionNotSupported", 2150858771, NULL,
                            "The action is not supported by the service."},
    [WSMAN_FAULT_ENCODING] = {"EncodingLimit", ACTION_WSMAN, "s:Sender",
                              "w:EncodingLimit", 2150858805, NULL,
                              "An internal encoding limit was exceeded."},
};

static const struct fault_row *
fault_row(enum wsman_fault_kind kind)
{
    return (size_t)kind < ARRAY_COUNT(faults) ? &faults[kind] : &faults[0];
}

const char *
wsman_fault_name(enum wsman_fault_kind kind)
{
    return fault_row(kind)->name;
}

/* -- text ----------------------------------------------------------------- */

/* XML 1.0 2.2: what a document can hold, even by number. */
static bool
is_character(uint32_t cp)
{
    return cp >= 0x20 ? cp != 0xfffe && cp != 0xffff
                      : cp == '\t' || cp == '\n' || cp == '\r';
}

static void
add_character(struct buf *out, struct span s, size_t length)
{
    switch (s.data[0]) {
    case '&':
        buf_add_string(out, "&amp;");
        break;
    case '<':
        buf_add_string(out, "&lt;");
        break;
    case '>':
        buf_add_string(out, "&gt;");
        break;
    case '"':
        buf_add_string(out, "&quot;");
        break;
    case '\t':
    case '\n':
    case '\r':
        buf_addf(out, "&#%d;", s.data[0]);
        break;
    default:
        buf_add(out, s.data, length);
        break;
    }
}

/* For an element's or an attribute's value. */
static void
add_text(struct buf *out, const char *text)
{
    struct span s = span_of(text);

    while (s.length > 0) {
        size_t length = utf8_sequence_length(s);

        if (length == 0 || !is_character(utf8_decode(s)))
            buf_add_string(out, "\xef\xbf\xbd");
        else
            add_character(out, s, length);
        s = span_skip(s, length > 0 ? length : 1);
    }
}

static void
add_element(struct buf *out, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    buf_addf(out, "<%s>", name);
    add_text(out, value);
    buf_addf(out, "</%s>", name);
}

/* -- envelopes ------------------------------------------------------------ */

static void
add_envelope_start(struct buf *out)
{
    buf_add_string(out,
                   "<s:Envelope xml:lang=\"en-US\" xmlns:s=\"" NS_SOAP
                   "\" xmlns:a=\"" NS_ADDRESS "\" xmlns:w=\"" NS_WSMAN "\">");
}

static void
add_fault_header(struct buf *out, const struct fault_row *row,
                 const struct wsman_fault *f)
{
    buf_add_string(out, "<s:Header>");
    add_element(out, "a:Action", row->action);
    add_element(out, "a:MessageID", f->answer_id);
    add_element(out, "a:To", ADDRESS_ANONYMOUS);
    add_element(out, "a:RelatesTo", f->message_id);
    buf_add_string(out, "</s:Header>");
}

static void
add_fault_code(struct buf *out, const struct fault_row *row)
{
    buf_add_string(out, "<s:Code>");
    add_element(out, "s:Value", row->code);
    if (row->subcode != NULL) {
        buf_add_string(out, "<s:Subcode>");
        add_element(out, "s:Value", row->subcode);
        buf_add_string(out, "</s:Subcode>");
    }
    buf_add_string(out, "</s:Code><s:Reason><s:Text xml:lang=\"en-US\">");
    add_text(out, row->reason);
    buf_add_string(out, "</s:Text></s:Reason>");
}

static void
add_fault_detail(struct buf *out, const struct fault_row *row,
                 const struct wsman_fault *f)
{
    bool has_detail = f->detail != NULL && f->detail[0] != '\0';

    buf_add_string(out, "<s:Detail>");
    add_element(out, "w:FaultDetail", row->detail);
    if (f->kind == WSMAN_FAULT_ACTION)
        add_element(out, "a:Action", f->action);
    buf_addf(out, "<f:WSManFault xmlns:f=\"%s\" Code=\"%u\"", NS_MS_FAULT,
             row->number);
    if (f->machine != NULL && f->machine[0] != '\0') {
        buf_add_string(out, " Machine=\"");
        add_text(out, f->machine);
        buf_add_char(out, '"');
    }
    buf_add_char(out, '>');
    add_element(out, "f:Message", has_detail ? f->detail : row->reason);
    buf_add_string(out, "</f:WSManFault></s:Detail>");
}

bool
wsman_fault_format(const struct wsman_fault *f, struct buf *out)
{
    const struct fault_row *row = fault_row(f->kind);

    add_envelope_start(out);
    add_fault_header(out, row, f);
    buf_add_string(out, "<s:Body><s:Fault>");
    add_fault_code(out, row);
    add_fault_detail(out, row, f);
    buf_add_string(out, "</s:Fault></s:Body></s:Envelope>");
    return !buf_failed(out);
}

bool
wsman_identify_format(const struct wsman_identity *identity, struct buf *out)
{
    add_envelope_start(out);
    buf_add_string(out, "<s:Header>");
    add_element(out, "a:RelatesTo", identity->message_id);
    buf_add_string(
        out,
        "</s:Header><s:Body><i:IdentifyResponse xmlns:i=\"" NS_IDENTITY "\">");
    add_element(out, "i:ProtocolVersion", NS_WSMAN);
    add_element(out, "i:ProductVendor", identity->vendor);
    add_element(out, "i:ProductVersion", identity->version);
    buf_add_string(out, "</i:IdentifyResponse></s:Body></s:Envelope>");
    return !buf_failed(out);
}
