/* Faults and IdentifyResponse. */
#include "gateway/wsman/wsman.h"

#include "gateway/wsman/names.h"
#include "gateway/wsman/frame.h"

#define DETAIL "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"

#define ACTION_WSA   NS_ADDRESS "/fault"
#define ACTION_WSMAN "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
#define ACTION_SOAP  NS_ADDRESS "/fault"
#define ACTION_WSEN  NS_ENUMERATION "/fault"
#define ACTION_WSMB  "http://schemas.dmtf.org/wbem/wsman/1/cimbinding/fault"

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
    [WSMAN_FAULT_NOT_FOUND] = {"DestinationUnreachable", ACTION_WSA,
                               "s:Sender", "a:DestinationUnreachable",
                               2150858752, NULL,
                               "The resource that URI and selectors name was"
                               " not found."},
    [WSMAN_FAULT_UNSUPPORTED] = {"UnsupportedFeature", ACTION_WSMAN,
                                 "s:Sender", "w:UnsupportedFeature",
                                 2150858818, NULL,
                                 "The specified feature is not supported."},
    [WSMAN_FAULT_FRAGMENT] = {"UnsupportedFeature", ACTION_WSMAN, "s:Sender",
                              "w:UnsupportedFeature", 2150858818,
                              DETAIL "FragmentLevelAccess",
                              "The specified feature is not supported."},
    [WSMAN_FAULT_OPTIONS] = {"InvalidOptions", ACTION_WSMAN, "s:Sender",
                             "w:InvalidOptions", 2150858809,
                             DETAIL "NotSupported",
                             "One or more options are not valid."},
    [WSMAN_FAULT_FILTERING] = {"FilteringNotSupported", ACTION_WSEN,
                               "s:Sender", "n:FilteringNotSupported",
                               2150858776, NULL,
                               "Filtered enumeration is not supported."},
    [WSMAN_FAULT_CONTEXT] = {"InvalidEnumerationContext", ACTION_WSEN,
                             "s:Sender", "n:InvalidEnumerationContext",
                             2150858779, NULL,
                             "The supplied enumeration context is invalid."},
    [WSMAN_FAULT_POLYMORPHISM] =
        {"PolymorphismModeNotSupported", ACTION_WSMB, "s:Sender",
         "b:PolymorphismModeNotSupported", 2150858818, NULL,
         "The specified polymorphism mode is not supported."},
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

/* -- envelopes ------------------------------------------------------------ */

static void
add_fault_code(struct buf *out, const struct fault_row *row)
{
    buf_add_string(out, "<s:Code>");
    xml_add_element(out, "s:Value", row->code);
    if (row->subcode != NULL) {
        buf_add_string(out, "<s:Subcode>");
        xml_add_element(out, "s:Value", row->subcode);
        buf_add_string(out, "</s:Subcode>");
    }
    buf_add_string(out, "</s:Code><s:Reason><s:Text xml:lang=\"en-US\">");
    xml_add_text(out, span_of(row->reason));
    buf_add_string(out, "</s:Text></s:Reason>");
}

static void
add_fault_detail(struct buf *out, const struct fault_row *row,
                 const struct wsman_fault *f)
{
    bool has_detail = f->detail != NULL && f->detail[0] != '\0';

    buf_add_string(out, "<s:Detail>");
    xml_add_element(out, "w:FaultDetail", row->detail);
    if (f->kind == WSMAN_FAULT_ACTION)
        xml_add_element(out, "a:Action", f->action);
    buf_addf(out, "<f:WSManFault xmlns:f=\"%s\" Code=\"%u\"", NS_MS_FAULT,
             row->number);
    if (f->machine != NULL && f->machine[0] != '\0') {
        buf_add_string(out, " Machine=\"");
        xml_add_text(out, span_of(f->machine));
        buf_add_char(out, '"');
    }
    buf_add_char(out, '>');
    xml_add_element(out, "f:Message", has_detail ? f->detail : row->reason);
    buf_add_string(out, "</f:WSManFault></s:Detail>");
}

bool
wsman_fault_format(const struct wsman_fault *f, struct buf *out)
{
    const struct fault_row *row = fault_row(f->kind);

    frame_begin(out, row->action, f->answer_id, f->message_id);
    buf_add_string(out, "<s:Fault>");
    add_fault_code(out, row);
    add_fault_detail(out, row, f);
    buf_add_string(out, "</s:Fault>");
    frame_end(out);
    return !buf_failed(out);
}

bool
wsman_identify_format(const struct wsman_identity *identity, struct buf *out)
{
    frame_begin(out, NULL, NULL, identity->message_id);
    buf_add_string(out, "<i:IdentifyResponse xmlns:i=\"" NS_IDENTITY "\">");
    xml_add_element(out, "i:ProtocolVersion", NS_WSMAN);
    xml_add_element(out, "i:ProductVendor", identity->vendor);
    xml_add_element(out, "i:ProductVersion", identity->version);
    buf_add_string(out, "</i:IdentifyResponse>");
    frame_end(out);
    return !buf_failed(out);
}
