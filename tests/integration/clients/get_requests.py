"""get_requests.py URL CA: requests-kerberos, as people use it."""
import sys

import requests
from requests_kerberos import OPTIONAL, HTTPKerberosAuth

answer = requests.get(sys.argv[1], verify=sys.argv[2], timeout=30,
                      auth=HTTPKerberosAuth(mutual_authentication=OPTIONAL))
print(answer.status_code, answer.text)
