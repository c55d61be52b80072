#ifndef TESTS_GATEWAY_WSMAN_ENVELOPES_H
#define TESTS_GATEWAY_WSMAN_ENVELOPES_H

#include "gateway/wsman/wsman.h"
#include "tests/support/support.h"

#define SOAP_NS  "http://www.w3.org/2003/05/soap-envelope"
#define WSA_NS   "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define WSMAN_NS "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
#define IDENTITY_NS                                                           \
    "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
#define ANONYMOUS WSA_NS "/role/anonymous"

#define ENUMERATION "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
#define BINDING     "http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd"
#define TRANSFER    "http://schemas.xmlsoap.org/ws/2004/09/transfer"
#define WMI         "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
#define CIM         "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"

#define ACTION(uri)   "<a:Action>" uri "</a:Action>"
#define MESSAGE(id)   "<a:MessageID>" id "</a:MessageID>"
#define RESOURCE(uri) "<w:ResourceURI>" uri "</w:ResourceURI>"
#define SELECTORS(s)  "<w:SelectorSet>" s "</w:SelectorSet>"
#define SELECTOR(name, value)                                                 \
    "<w:Selector Name=\"" name "\">" value "</w:Selector>"
#define REPLY_TO(address)                                                     \
    "<a:ReplyTo><a:Address>" address "</a:Address></a:ReplyTo>"

#define URN "uuid:12345678-1234-1234-1234-123456789abc"

/* What a Get of one class has, but for the resource. */
#define USUAL ACTION(TRANSFER "/Get") MESSAGE(URN)

/* Nothing is said of the document. */
extern const struct wsman_content_type untold;

/* The same for a body of any kind. */
#define WRITING ACTION(TRANSFER "/Put") MESSAGE(URN)

/* An envelope around these headers and this body, parsed. */
enum wsman_parse parse_envelope(const char *headers, const char *body,
                                struct wsman_request *out);
enum wsman_parse forward_envelope(const char *headers, const char *body,
                                  struct wsman_request *out);
enum wsman_parse parse_text(const char *xml, struct wsman_request *out);
enum wsman_parse parse_buf(const struct buf *xml, struct wsman_request *out);

/* The same, and it must be refused so. */
void assert_refused(const char *headers, const char *body,
                    enum wsman_fault_kind fault, const char *problem);
void assert_text_refused(const char *xml, enum wsman_fault_kind fault,
                         const char *problem);

#endif
