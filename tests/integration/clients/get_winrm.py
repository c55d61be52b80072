"""get_winrm.py URL CA: pywinrm signs in and sends its message."""
import sys

from winrm.protocol import Protocol

protocol = Protocol(endpoint=sys.argv[1], transport="kerberos",
                    server_cert_validation="validate",
                    ca_trust_path=sys.argv[2], service="HTTP")
try:
    print(protocol.send_message("<a/>"))
except Exception as e:  # pylint: disable=broad-except
    print(type(e).__name__, e)
