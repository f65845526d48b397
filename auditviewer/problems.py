"""What a page says when it can't be shown: what happened, and what to do about it.

Knows errors and their words; nothing here mends one.
"""

import logging
from dataclasses import dataclass

import psycopg
from flask import Blueprint, Flask, render_template
from psycopg import errors
from werkzeug.exceptions import HTTPException, InternalServerError

from auditviewer.log.database import MayNotRead, MayWrite

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Problem:
    """A page instead of the one that was asked for."""

    code: int
    title: str
    text: str


PROBLEMS = {
    400: Problem(400, "This address is not whole", "Go to the audit log and start from there."),
    401: Problem(401, "You are not signed in", "Sign in to the product, then come back."),
    403: Problem(
        403,
        "The audit log is for admins",
        "Account admins and admins can read it. If you need to know who changed something, ask "
        "one of them.",
    ),
    404: Problem(404, "There is nothing here", "The address may be old or mistyped."),
    405: Problem(405, "That can't be done here", "Go to the audit log and start from there."),
    500: Problem(
        500,
        "Something went wrong",
        "It is the viewer's fault, not yours, and it is in the server's log. The audit log itself "
        "is untouched: nothing here can change it.",
    ),
}
SLOW = Problem(
    504,
    "That took too long",
    "The search was stopped after five seconds. A shorter period, or one person or module, has "
    "less to look through.",
)
UNREACHABLE = Problem(
    503,
    "The database doesn't answer",
    "What happens meanwhile is still recorded: PostgreSQL itself writes the log. Try again in a "
    "moment.",
)
NO_LOG = Problem(
    503,
    "This database has no audit log to read",
    "Either the migrations have not been applied to it, or the viewer's role is no member of "
    "audit_reader. The server's log says which.",
)
NO_LOG_ERRORS = (
    MayNotRead,
    errors.UndefinedTable,
    errors.UndefinedObject,
    errors.InvalidSchemaName,
    errors.InsufficientPrivilege,
)
MAY_WRITE = Problem(
    503,
    "The viewer has too many rights",
    "Its database role could change the log. Let it log in as one that is a member of "
    "audit_reader and nothing else.",
)

Answer = tuple[str, int]


def register_problems(app: Flask | Blueprint) -> None:
    """Let an app or blueprint answer errors with pages."""
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(errors.QueryCanceled, _answer_slow)
    app.register_error_handler(psycopg.OperationalError, _answer_unreachable)
    app.register_error_handler(psycopg.ProgrammingError, _answer_no_log)
    app.register_error_handler(psycopg.DataError, _answer_bad_value)
    app.register_error_handler(MayNotRead, _answer_no_log)
    app.register_error_handler(MayWrite, _answer_may_write)


def _page(problem: Problem, text: str = "") -> Answer:
    return render_template("audit/problem.html", problem=problem, text=text), problem.code


def _answer_http(error: HTTPException) -> Answer:
    code = error.code or 500
    problem = PROBLEMS.get(code) or Problem(code, error.name, error.description or "")
    is_ours = error.description != type(error).description
    return _page(problem, error.description or "" if is_ours and code < 500 else "")


def _answer_slow(error: errors.QueryCanceled) -> Answer:
    return _page(SLOW)


def _answer_unreachable(error: psycopg.OperationalError) -> Answer:
    log.error("the audit log can't be read: %s", error)
    return _page(UNREACHABLE)


def _answer_no_log(error: psycopg.ProgrammingError | MayNotRead) -> Answer:
    if not isinstance(error, NO_LOG_ERRORS):
        log.error("a query of the viewer is wrong", exc_info=error)
        return _page(PROBLEMS[InternalServerError.code])
    log.error("there is no audit log to read: %s", error)
    return _page(NO_LOG)


def _answer_bad_value(error: psycopg.DataError) -> Answer:
    return _page(PROBLEMS[400])


def _answer_may_write(error: MayWrite) -> Answer:
    log.error("the role %s may change the audit log; grant it audit_reader alone", error)
    return _page(MAY_WRITE)
