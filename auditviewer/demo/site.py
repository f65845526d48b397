"""The demo's web server: gunicorn in this process, with the viewer and the CRM's pages in it.

It starts no database, and ends when a signal tells it to.
"""

import os
import socket
from collections.abc import Callable

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

SETTINGS = {
    "worker_class": "gthread",
    "threads": 8,
    "loglevel": "error",
    "control_socket_disable": True,
    # No request of the demo takes longer, and an open keep-alive connection must not delay Ctrl-C.
    "graceful_timeout": 2,
}


def serve(
    listener: socket.socket, create_app: Callable[[], Flask], when_ready: Callable[[], None]
) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP; call *when_ready* as soon as pages are served.

    Takes *listener* over. Raises SystemExit when the app doesn't start.
    """
    main_process = os.getpid()
    settings = {
        **SETTINGS,
        "bind": f"fd://{listener.detach()}",
        "post_worker_init": lambda _worker: when_ready(),
    }
    try:
        _Arbiter(_Site(settings, create_app)).run()
    except SystemExit as exit_:
        # A worker is a fork of this process, and comes by here at its end: what the callers do
        # at theirs, such as stopping the database, is not its business.
        if os.getpid() != main_process:
            os._exit(int(exit_.code or 0))
        if exit_.code:
            raise


class _Site(BaseApplication):  # type: ignore[misc]
    def __init__(self, settings: dict[str, object], create_app: Callable[[], Flask]) -> None:
        self._settings = settings
        self._create_app = create_app
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._create_app()


class _Arbiter(Arbiter):  # type: ignore[misc]
    def handle_hup(self) -> None:
        """End when the terminal is closed, where gunicorn would reload."""
        self.handle_int()
