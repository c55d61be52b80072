#ifndef GATEWAY_WSMAN_NAMES_H
#define GATEWAY_WSMAN_NAMES_H

/* XML namespaces (DSP0226 annex A, MS-WSMV 2.2.1). */
#define NS_SOAP    "http://www.w3.org/2003/05/soap-envelope"
#define NS_ADDRESS "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define NS_WSMAN   "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
#define NS_IDENTITY                                                           \
    "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
#define NS_TRANSFER    "http://schemas.xmlsoap.org/ws/2004/09/transfer"
#define NS_ENUMERATION "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
#define NS_EVENTING    "http://schemas.xmlsoap.org/ws/2004/08/eventing"
#define NS_MS_WSMAN    "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
#define NS_MS_FAULT    "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
#define NS_MS_SHELL    "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"

#define NS_BINDING "http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd"
#define NS_COMMON  "http://schemas.dmtf.org/wbem/wscim/1/common"
#define NS_XSI     "http://www.w3.org/2001/XMLSchema-instance"

/* Resources (DSP0227 6, MS-WSMV 2.2.4.2). */
#define WMI_PREFIX "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
#define CIM_PREFIX "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
#define CIM_PATH   "/wbem/wscim/1/cim-schema/2/" /* also of other owners */
#define CIM_ALL    "http://schemas.dmtf.org/wbem/wscim/1/*"

#define ADDRESS_ANONYMOUS NS_ADDRESS "/role/anonymous"
#define SOAP_ROLE_LAST    NS_SOAP "/role/ultimateReceiver"

#endif
