"""Requests that go on while something happens to the gateway."""
import threading
import time

from harness import Failure, expect


class Load:
    """Clients that ask one path of one listener until stopped, each request
    with its own token and connection.  A row: (begun, ended, status, body);
    status None: the connection broke."""

    def __init__(self, gate, listener, path, clients=2, user="alice"):
        self.gate, self.listener, self.path = gate, listener, path
        self.user = user
        self.rows, self.errors = [], []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.client, daemon=True)
                        for _ in range(clients)]

    def client(self):
        while not self.stopping.is_set():
            try:
                self.rows.append(self.one())
            except Exception as e:  # pylint: disable=broad-except
                self.errors.append(e)
                return

    def one(self):
        token = self.gate.token(user=self.user)
        begun = time.monotonic()
        try:
            answer = self.gate.ask(self.listener, self.path, token)
            return begun, time.monotonic(), answer.status, answer.body
        except (OSError, Failure) as e:
            return begun, time.monotonic(), None, str(e).encode()

    def __enter__(self):
        self.gate.realm.ccache(self.user)
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for t in self.threads:
            t.join()

    def check(self):
        expect(not self.errors, "a client failed: %s" % self.errors[:1])
        return self.rows

    def count(self, *statuses):
        return sum(1 for row in self.rows if row[2] in statuses)

    def more(self, number, deadline=60):
        """Waits until so many more requests are done."""
        from harness import wait_for
        target = len(self.rows) + number
        wait_for(lambda: self.errors or len(self.rows) >= target,
                 "%d requests" % number, deadline)
        self.check()
