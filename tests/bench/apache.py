"""Apache with mod_auth_gssapi in front of a server: one process of threads,
on one core."""
import grp
import os
import pwd
import shutil
import socket
import subprocess

import bench_gateway as bench
from bench_gateway import harness

MODULES = "/usr/lib/apache2/modules"
LOADED = ("mpm_event", "authn_core", "authz_core", "authz_user", "proxy",
          "proxy_http", "session", "session_cookie", "auth_gssapi")


class Apache:
    """Everything below / needs a token or a session, and goes to upstream."""

    def __init__(self, realm, upstream, cores):
        self.dir = harness.scratch()
        keytab = os.path.join(self.dir, "http.keytab")
        shutil.copy(realm.keytab(), keytab)
        user = "www-data" if harness.ROOT else harness.ME
        if harness.ROOT:
            for path in (self.dir, keytab):
                os.chown(path, pwd.getpwnam(user).pw_uid, -1)
        # It cannot be handed a socket, nor tell which port it was given.
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        modules = "".join("LoadModule %s_module %s/mod_%s.so\n"
                          % (name, MODULES, name) for name in LOADED)
        conf = harness.write(os.path.join(self.dir, "apache.conf"), """
%s
ServerName localhost
ServerRoot %s
PidFile pid
ErrorLog log
User %s
Group %s
Listen 127.0.0.1:%d
StartServers 1
ServerLimit 1
MinSpareThreads 1
MaxSpareThreads 64
ThreadsPerChild 64
MaxRequestWorkers 64
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 600
ProxyPass / http://127.0.0.1:%d/
<Location />
    AuthType GSSAPI
    GssapiCredStore keytab:%s
    GssapiAllowedMech krb5
    GssapiUseSessions On
    Session On
    SessionCookieName gssapi_session path=/;httponly
    Require valid-user
</Location>
""" % (modules, self.dir, user,
       grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name, self.port, upstream, keytab))
        self.process = subprocess.Popen(
            ["apache2", "-f", conf, "-DFOREGROUND"],
            stdin=subprocess.DEVNULL, preexec_fn=bench.on(cores),
            env=dict(os.environ, **realm.env, KRB5RCACHEDIR=self.dir))
        harness.at_end(self.stop)
        harness.wait_for(self.answers, self.log)

    def answers(self):
        try:
            with self.connect() as c:
                return c.ask("/").status == 401
        except OSError:
            return False

    def connect(self):
        return harness.Connection("127.0.0.1:%d" % self.port)

    def log(self):
        path = os.path.join(self.dir, "log")
        return "apache2\n" + (harness.read(path) if os.path.exists(path)
                              else "")

    def session_lines(self, token):
        """Header lines of a client that has signed in."""
        with self.connect() as c:
            a = c.ask("/plain/x", token).expect(200)
            cookie = a.headers["set-cookie"].split(";")[0]
            lines = "Cookie: %s\r\n" % cookie
            c.ask("/plain/x", headers=[("Cookie", cookie)]).expect(200)
        return lines

    def stop(self):
        self.process.terminate()
        self.process.wait()
