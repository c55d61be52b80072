"""Chromium, driven by chromedriver (W3C WebDriver, by HTTP)."""
import json
import os
import re
import subprocess
import urllib.error
import urllib.request

from harness import Failure, at_end, expect, read, scratch, wait_for, write

SLOW = 60  # seconds that a start or a page may take here
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run",
             "--disable-component-update", "--disable-background-networking",
             "--auth-server-allowlist=localhost")


class Chromium:
    """A browser with a profile of its own, until close()."""

    def __init__(self, env):
        self.session = None
        self.profile = scratch()
        log = os.path.join(self.profile, "driver.log")
        # A fresh profile leaves its first challenge unanswered.
        write(os.path.join(self.profile, "Local State"), json.dumps(
            {"net": {"received_http_auth_negotiate_headers": True}}))
        with open(log, "wb") as out:
            self.driver = subprocess.Popen(
                ["chromedriver", "--port=0"], stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True,
                env=dict(os.environ, **env, HOME=self.profile))
        at_end(self.close)
        started = wait_for(lambda: re.search(r"successfully on port (\d+)", read(log)),
                           "chromedriver to say its port", SLOW)
        self.base = "http://127.0.0.1:%s/session" % started.group(1)
        arguments = ARGUMENTS + ("--user-data-dir=" + self.profile,)
        self.session = self.ask("POST", "", {"capabilities": {"alwaysMatch": {
            "acceptInsecureCerts": True,
            "timeouts": {"pageLoad": SLOW * 1000, "script": SLOW * 1000},
            "goog:chromeOptions": {"args": arguments}}}})["sessionId"]
        self.base += "/" + self.session

    def close(self):
        if self.session is not None:
            self.ask("DELETE", "")
            self.session = None
        self.driver.terminate()
        self.driver.wait(SLOW)

    def ask(self, method, path, told=None):
        """One command; what the driver answers."""
        data = None if told is None else json.dumps(told).encode()
        request = urllib.request.Request(self.base + path, data=data,
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=2 * SLOW) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as e:
            raise Failure("chromedriver: " + e.read().decode()) from e

    def visit(self, url):
        """The text of the page."""
        self.ask("POST", "/url", {"url": url})
        return self.text()

    def text(self):
        return self.script("return document.body.innerText")

    def script(self, text, *arguments):
        return self.ask("POST", "/execute/sync",
                        {"script": text, "args": arguments})

    def fetch(self, url, **options):
        """A fetch of the page's; its status, or why there is none."""
        return self.ask("POST", "/execute/async", {
            "script": "const [url, options, done] = arguments;"
                      "fetch(url, options).then("
                      "a => done(a.status), e => done(String(e)))",
            "args": [url, options]})

    def cookie(self, name):
        """As the browser keeps it for this page; None: there is none."""
        found = [c for c in self.ask("GET", "/cookie") if c["name"] == name]
        expect(len(found) < 2, "more than one", name, found)
        return found[0] if found else None
