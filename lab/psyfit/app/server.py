"""The HTTP server: a thread a connection, and an orderly end."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RD, socket
from urllib.parse import urlsplit

from . import boot, log, settings
from .answer import Answer, failure
from .application import Application, Request
from .ciphers import BlindIndex
from .sessions import Sessions
from .sign_ins import SignIns
from .visits import Visits

PORT = 3000
IDLE_SECONDS = 75
BODY_BYTES = 64 * 1024


def serve(stop_signals: set[signal.Signals]) -> None:
    """Check what must hold, then serve until told to stop, and complete what is under way by then.

    Args:
        stop_signals: What tells it to stop: signals that are blocked already.

    Raises:
        Refused: Something that must hold does not.
    """
    boot.check()
    secret = settings.required("SECRET_KEY_BASE")
    application = Application(
        settings.database(),
        settings.version(),
        Sessions(secret),
        SignIns(secret, BlindIndex(settings.keys().blind_index), settings.log_in_policy()),
        Visits(settings.redis()).count,
    )
    with Server(application) as server:
        accepting = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
        accepting.start()
        log.info(f"PsyFit {application.version} listening on port {PORT}")
        received = signal.Signals(signal.sigwait(stop_signals))
        log.info(f"{received.name} received, completing requests under way")
        server.stop()
        accepting.join()
    log.info("Stopped")


class Server(ThreadingHTTPServer):
    """Knows which of its connections wait for a request, so that it can end them without cutting an answer short."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, application: Application, port: int = PORT) -> None:
        self.application = application
        self.stopping = False
        self._waiting: set[socket] = set()
        self._lock = threading.Lock()
        super().__init__(("", port), Handler)

    def stop(self) -> None:
        """Accept no more, and wake the connections that have nothing under way; closing then waits for the rest."""
        self.shutdown()
        with self._lock:
            self.stopping = True
            for connection in self._waiting:
                # One that its client has reset needs no waking.
                with suppress(OSError):
                    connection.shutdown(SHUT_RD)

    def waits(self, connection: socket) -> bool:
        """A connection is about to wait for a request; whether it may."""
        with self._lock:
            if not self.stopping:
                self._waiting.add(connection)
            return not self.stopping

    def works(self, connection: socket) -> None:
        """A connection waits no more."""
        with self._lock:
            self._waiting.discard(connection)


class Handler(BaseHTTPRequestHandler):
    """One connection's requests, one after the other."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def handle_one_request(self) -> None:
        self.began = time.monotonic()
        if not self.server.waits(self.connection):
            self.close_connection = True
            return
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True
        finally:
            self.server.works(self.connection)

    def parse_request(self) -> bool:
        self.server.works(self.connection)
        self.began = time.monotonic()
        return super().parse_request()

    def do_GET(self) -> None:
        self._send(self._answer())

    def do_HEAD(self) -> None:
        self._send(self._answer())

    def do_POST(self) -> None:
        self._send(self._answer())

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is not well-formed HTTP, in the same form as every other answer."""
        self.close_connection = True
        self._send(failure(code, message or explain or self.responses[code][0]))

    def version_string(self) -> str:
        return "psyfit"

    def log_message(self, *_arguments: object) -> None:
        """Nothing: the access log has a line for each answer and no other."""

    def _answer(self) -> Answer:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > BODY_BYTES or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            return failure(413, f"A body needs a Content-Length of at most {BODY_BYTES}")
        return self.server.application.answer(
            Request(
                method=self.command,
                path=urlsplit(self.path).path,
                cookies=self.headers.get("Cookie", ""),
                body=self.rfile.read(int(length)),
            )
        )

    def _send(self, answer: Answer) -> None:
        if self.server.stopping:
            self.close_connection = True
        self.send_response_only(answer.status)
        self.send_header("Date", self.date_time_string())
        self.send_header("Server", self.version_string())
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-App-Version", self.server.application.version)
        for name, value in answer.headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self._log(answer)

    def _log(self, answer: Answer) -> None:
        """One line: no query and no header that could be personal."""
        path = urlsplit(getattr(self, "path", "-")).path
        milliseconds = (time.monotonic() - self.began) * 1000
        log.info(f"{self.command or '-'} {path} {answer.status} {len(answer.body)} bytes {milliseconds:.1f} ms")
