"""Measures the viewer's pages over HTTP, as an admin who signed in, and what they cost in CPU time.

Which pages, and what they should cost, `asked` says.
"""

import http.client
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import psycopg
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from auditviewer.demo.cluster import LOOPBACK
from tests.viewer import PASSWORD, email_of, viewer_over

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Browser:
    """Somebody who is signed in to a viewer that listens on *port*."""

    port: int
    cookie: str = ""

    def get(self, path: str) -> tuple[int, str, Mapping[str, str]]:
        """Return the status, the body and the headers of a page."""
        return self._send("GET", path, "", {})

    def post(self, path: str, form: Mapping[str, str]) -> tuple[int, str, Mapping[str, str]]:
        """Send a form off."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._send("POST", path, urlencode(form), kind)

    def _send(
        self, method: str, path: str, body: str, headers: Mapping[str, str]
    ) -> tuple[int, str, Mapping[str, str]]:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=60)
        try:
            connection.request(method, path, body, {"Cookie": self.cookie, **headers})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), dict(answer.getheaders())
        finally:
            connection.close()


@contextmanager
def served(conninfo: str, folder: Path) -> Iterator[tuple[Browser, Flask]]:
    """Serve the viewer from a thread of this process, and sign in."""
    with viewer_over(conninfo, folder) as app:
        app.testing = False
        server = make_server(LOOPBACK, 0, app, threaded=True, request_handler=Quiet)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield _sign_in(server.port), app
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _sign_in(port: int) -> Browser:
    _, form, headers = Browser(port).get("/sign-in")
    match = TOKEN.search(form)
    assert match
    asked = Browser(port, headers["Set-Cookie"].partition(";")[0])
    filled = {"email": email_of("admin"), "password": PASSWORD, "csrf_token": match[1]}
    status, _, headers = asked.post("/sign-in", filled)
    assert status == 302
    return Browser(port, headers["Set-Cookie"].partition(";")[0])


@dataclass
class Times:
    """Milliseconds of each repetition: by the clock, of Python's CPU, of PostgreSQL's CPU."""

    wall: list[float] = field(default_factory=list)
    python: list[float] = field(default_factory=list)
    postgres: list[float] = field(default_factory=list)

    @property
    def p50(self) -> float:
        """The median by the clock."""
        return statistics.median(self.wall)

    @property
    def p95(self) -> float:
        """What 19 of 20 keep below, by the clock."""
        return sorted(self.wall)[min(len(self.wall) - 1, int(len(self.wall) * 0.95))]

    @property
    def cpu(self) -> float:
        """The median CPU time of both: on a machine with other work it says more."""
        return statistics.median(map(sum, zip(self.python, self.postgres, strict=True)))


@dataclass(frozen=True)
class Clock:
    """Measures one call after the other against a database of *superuser*'s."""

    superuser: psycopg.Connection
    database: str

    def measure(self, call: Callable[[], object], times: Times) -> None:
        """Add a repetition to the times."""
        before, python, wall = self._postgres(), time.process_time(), time.perf_counter()
        call()
        times.wall.append((time.perf_counter() - wall) * 1e3)
        times.python.append((time.process_time() - python) * 1e3)
        after = self._postgres()
        spent = sum(after[pid] - before.get(pid, 0) for pid in after)
        times.postgres.append(spent / 1e6)

    def _postgres(self) -> dict[int, int]:
        """Return the nanoseconds that each process of the viewer's connections has run."""
        rows = self.superuser.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name = %s",
            [self.database, "pgwitness viewer"],
        ).fetchall()
        return {pid: run_time(pid) for (pid,) in rows}


def run_time(pid: int) -> int:
    """Return nanoseconds on a CPU; 0 where Linux doesn't tell."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    except OSError:
        return 0


def summary(samples: Sequence[float]) -> float:
    """Return the median, rounded as a report has it."""
    return round(statistics.median(samples), 1)
