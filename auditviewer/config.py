"""What the viewer is told: its configuration, read once and checked as a whole.

Accounts are read elsewhere, and so is the log.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from auditviewer.times import zone_names

PREFIX = "PGWITNESS"
SHORTEST_SECRET = 16
LONGEST_RETENTION = 36_525
"""Days: a hundred years."""
DEFAULTS: Mapping[str, Any] = {
    "TIME_ZONE": "UTC",
    "PRODUCT_URL": "",
    "ADMIN_ROLES": ("account_admin", "admin"),
    "BREADCRUMB": (("Admin settings", None), ("Account settings", None)),
    "RETENTION_DAYS": 90,
}


class ConfigError(Exception):
    """The viewer can't start: each line says where – what – how to fix."""


@dataclass(frozen=True)
class Settings:
    """What the pages need to know. A breadcrumb is a word and where it leads, if anywhere."""

    database: str
    time_zone: ZoneInfo
    product_url: str
    admin_roles: tuple[str, ...]
    breadcrumb: tuple[tuple[str, str | None], ...]
    retention: timedelta

    @property
    def admins_in_words(self) -> str:
        """Return "account admins and admins"."""
        *first, last = [role.replace("_", " ") + "s" for role in self.admin_roles]
        return f"{', '.join(first)} and {last}" if first else last


def read_settings(config: Mapping[str, Any], required: Iterable[str] = ()) -> Settings:
    """Check a Flask configuration; *required* are keys that have to be there beside DATABASE.

    Raises ConfigError with all that is wrong with it.
    """
    given = {**DEFAULTS, **{key: value for key, value in config.items() if value is not None}}
    problems = [problem for key in ("DATABASE", *required) if (problem := _missing(key, given))]
    problems += _wrong(given)
    if problems:
        raise ConfigError("\n".join(problems))
    return Settings(
        database=str(given["DATABASE"]),
        time_zone=ZoneInfo(given["TIME_ZONE"]),
        product_url=str(given["PRODUCT_URL"]).rstrip("/"),
        admin_roles=tuple(given["ADMIN_ROLES"]),
        breadcrumb=tuple((str(word), url) for word, url in given["BREADCRUMB"]),
        retention=timedelta(days=int(given["RETENTION_DAYS"])),
    )


HOW_TO_FIX = {
    "DATABASE": 'how to connect as a member of audit_reader, "dbname=crm user=audit_viewer"',
    "SECRET_KEY": 'random text that signs the sessions, as printed by "openssl rand -hex 32"',
    "ACCOUNTS": "the path of a TOML file with [[account]] email, name, role, password_hash",
}


def _missing(key: str, given: Mapping[str, Any]) -> str | None:
    if given.get(key):
        return None
    return f"{PREFIX}_{key}: is not set – set it to {HOW_TO_FIX[key]}"


def _wrong(given: Mapping[str, Any]) -> Iterator[str]:
    zone, days, secret = (given.get(key) for key in ("TIME_ZONE", "RETENTION_DAYS", "SECRET_KEY"))
    if str(zone) not in zone_names():
        yield f"{PREFIX}_TIME_ZONE: no zone is called {zone!r} – use an IANA name, Europe/Berlin"
    if not str(days).isdecimal() or not 1 <= int(str(days)) <= LONGEST_RETENTION:
        yield (
            f"{PREFIX}_RETENTION_DAYS: is {days!r} – use a number of days from 1 to "
            f"{LONGEST_RETENTION}"
        )
    if not _is_address(given["PRODUCT_URL"]):
        yield (
            f"{PREFIX}_PRODUCT_URL: is {given['PRODUCT_URL']!r} – use one that begins with "
            "https:// or http://, or a path of this site"
        )
    if not _is_list_of_words(given["ADMIN_ROLES"]):
        yield f'{PREFIX}_ADMIN_ROLES: is no list of roles – use ["account_admin", "admin"]'
    if not _is_breadcrumb(given["BREADCRUMB"]):
        yield f'{PREFIX}_BREADCRUMB: is no list of links – use [["Settings", "/settings"]]'
    if secret and len(str(secret)) < SHORTEST_SECRET:
        yield (
            f"{PREFIX}_SECRET_KEY: is shorter than {SHORTEST_SECRET} characters – "
            f"set it to {HOW_TO_FIX['SECRET_KEY']}"
        )
    try:
        conninfo_to_dict(str(given.get("DATABASE") or ""))
    except ProgrammingError as error:
        yield f"{PREFIX}_DATABASE: {str(error).strip()} – set it to {HOW_TO_FIX['DATABASE']}"


def _is_address(value: object) -> bool:
    try:
        parts = urlsplit(str(value))
    except ValueError:
        return False
    if parts.scheme or parts.netloc:
        return parts.scheme in ("http", "https") and bool(parts.netloc)
    return parts.path == "" or parts.path.startswith("/")


def _is_list_of_words(value: object) -> bool:
    return (
        isinstance(value, list | tuple)
        and bool(value)
        and all(isinstance(word, str) and word for word in value)
    )


def _is_breadcrumb(value: object) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(crumb, list | tuple)
        and len(crumb) == 2
        and isinstance(crumb[0], str)
        and isinstance(crumb[1], str | None)
        for crumb in value
    )
