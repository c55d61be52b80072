"""send_winrm.py URL CA: pywinrm sends the envelope that is its input."""
import sys

from winrm.protocol import Protocol

protocol = Protocol(endpoint=sys.argv[1], transport="kerberos",
                    server_cert_validation="validate",
                    ca_trust_path=sys.argv[2], service="HTTP")
try:
    answer = protocol.send_message(sys.stdin.read())
    sys.stdout.buffer.write(answer if isinstance(answer, bytes)
                            else answer.encode())
except Exception as e:  # pylint: disable=broad-except
    print(type(e).__name__, e)
