"""A real web server that tests post verdicts to."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """A server that runs. requests: (path, headers, body) of each. answers: status and body."""

    address: str = ""
    answers: list = field(default_factory=list)
    requests: list = field(default_factory=list)

    @property
    def json(self):
        (_, _, body) = self.requests[-1]
        return json.loads(body)


@contextmanager
def web_server(*answers, certificates=None, path="/hooks/secret-path"):
    """Run a server that answers 200, or as it is told; (status, text, headers) one by one."""
    site = Site(answers=[*answers])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            site.requests.append((self.path, dict(self.headers), body))
            status, text, *more = site.answers.pop(0) if site.answers else (200, "ok")
            self.send_response(status)
            for name, value in more[0].items() if more else ():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificates:
            server.socket = certificates.context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # a client that trusts nobody hangs up
        scheme = "https" if certificates else "http"
        site.address = f"{scheme}://localhost:{server.server_port}{path}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join(10)
