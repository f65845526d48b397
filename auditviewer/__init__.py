"""The web viewer of what PostgreSQL recorded; it reads, and never writes.

`create_app` makes an app of its own with accounts of its own; `create_blueprint` makes pages for
a host application that knows who is signed in.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, url_for
from flask_wtf import CSRFProtect

from auditviewer.accounts import read_accounts
from auditviewer.config import PREFIX, ConfigError, read_settings
from auditviewer.log.database import Database
from auditviewer.pages import build_blueprint, page_context
from auditviewer.problems import register_problems
from auditviewer.sign_in import Sessions, build_sign_in, identify
from auditviewer.site import Site, Viewer, secure

__all__ = ["ConfigError", "Database", "Viewer", "create_app", "create_blueprint"]

LONGEST_SESSION = timedelta(hours=12)


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the viewer as an app of its own.

    *config* goes before the environment (PGWITNESS_DATABASE and so on, lists as JSON). Raises
    ConfigError with all that is wrong. `app.extensions["audit"].close()` ends its connections.
    """
    app = Flask(__name__, static_folder=None)
    app.session_interface = Sessions()
    app.config.from_mapping(
        SESSION_COOKIE_NAME="audit_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=LONGEST_SESSION,
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=64 * 1024,
        SECRET_KEY=None,
    )
    app.config.from_prefixed_env(PREFIX)
    app.config.from_mapping(config or {})
    settings = read_settings(app.config, required=("SECRET_KEY", "ACCOUNTS"))
    app.config["SECRET_KEY"] = str(app.config["SECRET_KEY"])
    accounts = read_accounts(Path(app.config["ACCOUNTS"]))
    database = Database(settings.database)
    site = Site(
        settings,
        database,
        identify=partial(identify, accounts),
        sign_in_url=lambda to: url_for("accounts.sign_in", next=to),
        sign_out_url=lambda: url_for("accounts.sign_out"),
    )
    CSRFProtect(app)
    app.register_blueprint(build_blueprint(site))
    app.register_blueprint(build_sign_in(accounts))
    register_problems(app)
    app.context_processor(partial(page_context, site))
    app.after_request(secure)
    return app


def create_blueprint(
    config: Mapping[str, Any],
    identify: Callable[[], Viewer | None],
    sign_in_url: Callable[[str], str] | None = None,
) -> Blueprint:
    """Return the pages of the log for an app that knows who is signed in.

    Register it at any path. *identify* is asked with every request; a visitor is sent to
    *sign_in_url*, given the path to come back to, or refused. Raises ConfigError.
    """
    settings = read_settings(config)
    return build_blueprint(Site(settings, Database(settings.database), identify, sign_in_url))
