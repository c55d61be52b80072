#include "gateway/wsman/frame.h"

#include "gateway/wsman/names.h"

void
frame_begin(struct buf *out, const char *action, const char *answer_id,
            const char *relates_to)
{
    buf_add_string(out, "<s:Envelope xml:lang=\"en-US\" xmlns:s=\"" NS_SOAP
                        "\" xmlns:a=\"" NS_ADDRESS "\" xmlns:w=\"" NS_WSMAN
                        "\" xmlns:n=\"" NS_ENUMERATION
                        "\" xmlns:b=\"" NS_BINDING "\"><s:Header>");
    if (action != NULL) {
        xml_add_element(out, "a:Action", action);
        xml_add_element(out, "a:MessageID", answer_id);
        xml_add_element(out, "a:To", ADDRESS_ANONYMOUS);
    }
    xml_add_element(out, "a:RelatesTo", relates_to);
    buf_add_string(out, "</s:Header><s:Body>");
}

void
frame_end(struct buf *out)
{
    buf_add_string(out, "</s:Body></s:Envelope>");
}
