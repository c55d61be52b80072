"""A server behind the gateway that wants to know who the gateway is.

KRB5_CONFIG of this process must be the realm's before there is one.
"""
import base64
import threading

from distribution import gssapi

from harness import expect, expect_equal
from upstream import Upstream


class Signed(Upstream):
    """Wants a token of each request, and remembers those that it took."""

    def __init__(self, keytab, directory, **options):
        self.directory = directory  # of the replay cache
        self.lock = threading.Lock()
        self.refusals, self.tokens, self.users, self.replies = [], [], [], []
        self.tickets = set()
        self.mood = "honest"
        self.use(keytab)
        super().__init__(**options)

    def use(self, keytab):
        """Takes another keytab, and forgets no token."""
        self.credentials = gssapi.Credentials(usage="accept", store={
            "keytab": "FILE:" + keytab,
            "rcache": "file2:%s/rcache" % self.directory})

    def admit(self, c, seen):
        sent = seen.values("Authorization")
        with self.lock:
            try:
                expect_equal(len(sent), 1, "Authorizations")
                scheme, _, token = sent[0].partition(" ")
                expect_equal(scheme, "Negotiate", "scheme")
                context = gssapi.SecurityContext(creds=self.credentials,
                                                 usage="accept")
                reply = context.step(base64.b64decode(token))
                expect(context.complete, "more than one leg")
                flags = gssapi.RequirementFlag
                expect(not context.actual_flags & flags.delegate_to_peer,
                       "delegated")
                expect(context.actual_flags & flags.confidentiality and
                       context.actual_flags & flags.mutual_authentication,
                       "flags", context.actual_flags)
            except Exception as e:  # pylint: disable=broad-except
                self.refusals.append(str(e))
                return self.refuse(c, seen)
            self.tokens.append(token)
            self.users.append(str(context.initiator_name))
            seen.lifetime = context.lifetime
        value = base64.b64encode(reply).decode()
        self.replies.append(value)
        seen.added = {
            "honest": [("WWW-Authenticate", "Negotiate " + value)],
            "listed": [("WWW-Authenticate",
                        'Basic realm="x", Negotiate %s' % value)],
            "silent": [],
            "bare": [("WWW-Authenticate", "Negotiate")],
            "noise": [("WWW-Authenticate", "Negotiate AAAA")],
            "no base64": [("WWW-Authenticate", "Negotiate ?")],
            "old": [("WWW-Authenticate", "Negotiate " + self.replies[0])],
            "cut": [("WWW-Authenticate", "Negotiate " + value[:-8])],
            "basic": [("WWW-Authenticate", "Basic " + value)],
            "twice": [("WWW-Authenticate", "Negotiate " + value)] * 2,
        }[self.mood]
        return True

    def refuse(self, c, seen):
        self.answer(c, seen, b"no", "401 Unauthorized",
                    [("WWW-Authenticate", "Negotiate"),
                     ("Connection", "close")])
        return False

    def _drop(self, _c, _seen, _f):
        """Takes the token, and then the connection is gone; the next time it
        answers."""
        if self.dropped:
            return self.answer(_c, _seen, b"at last")
        self.dropped = True
        return False

    dropped = False
