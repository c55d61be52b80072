"""get_winrm.py URL CA: pywinrm enumerates the class of a /cim URL."""
import re
import sys
import uuid

from winrm.protocol import Protocol

ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
ADDRESS = "http://schemas.xmlsoap.org/ws/2004/08/addressing"

base, namespace, name = re.fullmatch(
    r"(https?://[^/]+)/cim/([^:]+):(\w+)/instances", sys.argv[1]).groups()
protocol = Protocol(endpoint=base + "/wsman", transport="kerberos",
                    server_cert_validation="validate",
                    ca_trust_path=sys.argv[2], service="HTTP")
message = """<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
 xmlns:a="%s" xmlns:n="%s"
 xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header>
<a:To>%s/wsman</a:To><a:ReplyTo><a:Address>%s/role/anonymous</a:Address>
</a:ReplyTo><a:Action>%s/Enumerate</a:Action>
<a:MessageID>uuid:%s</a:MessageID><w:ResourceURI>
http://schemas.microsoft.com/wbem/wsman/1/wmi/%s/%s</w:ResourceURI>
</s:Header><s:Body><n:Enumerate><w:OptimizeEnumeration/>
<w:MaxElements>10</w:MaxElements></n:Enumerate></s:Body></s:Envelope>""" % (
    ADDRESS, ENUMERATION, base, ADDRESS, ENUMERATION, uuid.uuid4(), namespace,
    name)
try:
    print(protocol.send_message(message))
except Exception as e:  # pylint: disable=broad-except
    print(type(e).__name__, e)
