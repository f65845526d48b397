"""Signing in with the viewer's own accounts, and out again.

Knows sessions and the form; whether a password is right, `accounts` tells.
"""

from ipaddress import ip_address

from flask import (
    Blueprint,
    Flask,
    current_app,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.sessions import SecureCookieSessionInterface
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired

from auditviewer.accounts import Accounts
from auditviewer.shown import is_local_path
from auditviewer.site import Viewer, bind, secure


class SignInForm(FlaskForm):  # type: ignore[misc]
    """What is asked for."""

    email = EmailField("E-mail", validators=[InputRequired("Enter your e-mail address.")])
    password = PasswordField("Password", validators=[InputRequired("Enter your password.")])


class Sessions(SecureCookieSessionInterface):
    """Session cookies that only travel encrypted, except to this very machine."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return not _is_loopback(request.host)


def _is_loopback(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    if name == "localhost":
        return True
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def build_sign_in(accounts: Accounts) -> Blueprint:
    """Return the pages for signing in and out."""
    pages = Blueprint("accounts", __name__)
    pages.after_request(secure)
    pages.add_url_rule("/sign-in", "sign_in", bind(_sign_in, accounts), methods=["GET", "POST"])
    pages.add_url_rule("/sign-out", "sign_out", _sign_out, methods=["POST"])
    return pages


def identify(accounts: Accounts) -> Viewer | None:
    """Return who is signed in; nobody whose account is gone or has another password since."""
    account = accounts.find(session.get("email", ""))
    if account is None or session.get("mark") != account.mark(_secret()):
        return None
    return Viewer(account.name, account.role)


def _secret() -> str:
    return str(current_app.secret_key)


def _sign_in(accounts: Accounts) -> str | Response | tuple[str, int]:
    form = SignInForm()
    to = request.args.get("next", "")
    if not form.is_submitted():
        return _form_page(form, "")
    if not form.validate():
        return _form_page(form, ""), 422
    account = accounts.check(form.email.data, form.password.data)
    if account is None:
        return _form_page(form, "That e-mail address and password don't match."), 422
    session.clear()
    session.permanent = True
    session["email"], session["mark"] = account.email, account.mark(_secret())
    return redirect(to if is_local_path(to) else url_for("audit.changes"))


def _form_page(form: SignInForm, refusal: str) -> str:
    return render_template("audit/sign_in.html", form=form, refusal=refusal)


def _sign_out() -> Response:
    session.clear()
    return redirect(url_for("accounts.sign_in"))
