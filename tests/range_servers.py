"""A real web server that gives parts of files, as those of archives do, or misbehaves."""

import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from web_servers import Site


@dataclass
class FileSite(Site):
    """A server of the files in a folder, at the paths of their names, and of a bucket of S3.

    sent: bytes of content by name. misbehave: is given the handler, the content and the range of a
    request, and returns whether it has answered it. etag: gives the header of a content, or none.
    """

    folder: Path = Path()
    sent: dict = field(default_factory=dict)
    misbehave: object = None
    etag: object = staticmethod(lambda content: f'"{hash(content):x}"')
    modified: str = "Mon, 02 Nov 2026 10:00:00 GMT"

    @property
    def total(self):
        return sum(self.sent.values())


@contextmanager
def file_server(folder, certificates=None):
    """Run a server of the files in a folder."""
    site = FileSite(folder=folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            site.requests.append((self.path, dict(self.headers), b""))
            file = folder / self.path.partition("?")[0].rpartition("/")[2]
            if not file.is_file():
                return self.answer(404, b"no such file")
            content = file.read_bytes()
            asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            first, last = (int(asked[1]), min(int(asked[2]), len(content) - 1))
            if site.misbehave is not None and site.misbehave(self, content, (first, last)):
                return None
            if first >= len(content):
                return self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return self.part(content, first, last)

        def part(self, content, first, last, **more):
            headers = {"Content-Range": f"bytes {first}-{last}/{len(content)}", **more}
            if site.etag is not None:
                headers.setdefault("ETag", site.etag(content))
            if site.modified:
                headers.setdefault("Last-Modified", site.modified)
            self.answer(206, content[first : last + 1], headers)

        def answer(self, status, body=b"", headers=None):
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            if "Content-Length" not in (headers or {}):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            name = self.path.partition("?")[0].rpartition("/")[2]
            site.sent[name] = site.sent.get(name, 0) + len(body)
            self.wfile.write(body)

        def hang(self):
            time.sleep(0.01)
            site.released.wait(60)

        def log_message(self, *_):
            pass

    site.released = threading.Event()
    Handler.server_site = site
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.handle_error = lambda *_: None  # a client that has enough hangs up
        server.daemon_threads = True
        scheme = "http"
        if certificates:
            server.socket = certificates.context.wrap_socket(server.socket, server_side=True)
            scheme = "https"
        site.address = f"{scheme}://localhost:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield site
        finally:
            site.released.set()
            server.shutdown()
            thread.join(10)
