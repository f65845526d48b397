"""The viewer as a part of a site: its settings, its database, and who is looking.

Who is signed in is the host's to know; a stand-alone viewer's own accounts are one such host.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial, update_wrapper
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from auditviewer.config import Settings
from auditviewer.log.database import Database, Reading

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True)
class Viewer:
    """Who is looking."""

    name: str
    role: str


@dataclass(frozen=True)
class Site:
    """What the pages work with.

    *identify* returns who is signed in with this request; *sign_in_url* where a visitor is sent,
    given the path to come back to, or None where the host has no such page; *sign_out_url* where
    the button posts to, or None for no button.
    """

    settings: Settings
    database: Database
    identify: Callable[[], Viewer | None]
    sign_in_url: Callable[[str], str] | None = None
    sign_out_url: Callable[[], str] | None = None

    def admits(self, viewer: Viewer) -> bool:
        """Tell whether somebody may see the log."""
        return viewer.role in self.settings.admin_roles

    def since(self, reading: Reading) -> datetime:
        """Return from when on the log is shown."""
        return reading.now - self.settings.retention


def bind(view: Callable[..., ResponseReturnValue], *known: object) -> Callable[..., Any]:
    """Return a view that gets what is known beforehand; extensions of Flask ask for its name."""
    return update_wrapper(partial(view, *known), view)


def secure(response: Response) -> Response:
    """Forbid what no page of ours needs, and keep the log out of every cache."""
    response.headers.update(HEADERS)
    is_file = request.endpoint is not None and request.endpoint.endswith(".static")
    if is_file and "v" in request.args and response.status_code < 400:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        response.headers["Cache-Control"] = "no-store"
    return response
