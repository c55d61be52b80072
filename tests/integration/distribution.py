"""What belongs to the distribution's Python only: a script that another one
runs begins again with that."""
import os
import sys

try:
    import gssapi
except ImportError:  # it belongs to the distribution's Python only
    if os.path.realpath(sys.executable) == os.path.realpath(
            "/usr/bin/python3"):
        raise
    os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)

__all__ = ["gssapi"]
