"""What the viewer is told: its configuration, read once and checked as a whole.

Accounts are read elsewhere, and so is the log.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

PREFIX = "PGWITNESS"
SHORTEST_SECRET = 16
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
    return f"{PREFIX}_{key}: is not set; set it to {HOW_TO_FIX[key]}"


def _wrong(given: Mapping[str, Any]) -> Iterator[str]:
    zone, days, secret = (given.get(key) for key in ("TIME_ZONE", "RETENTION_DAYS", "SECRET_KEY"))
    if zone not in available_timezones():
        yield f"{PREFIX}_TIME_ZONE: no zone is called {zone!r}; use an IANA name, Europe/Berlin"
    if not str(days).isdecimal() or int(str(days)) < 1:
        yield f"{PREFIX}_RETENTION_DAYS: is {days!r}; use a number of days from 1"
    if isinstance(given["ADMIN_ROLES"], str) or not given["ADMIN_ROLES"]:
        yield f'{PREFIX}_ADMIN_ROLES: is no list of roles; use ["account_admin", "admin"]'
    if not _is_breadcrumb(given["BREADCRUMB"]):
        yield f'{PREFIX}_BREADCRUMB: is no list of words and links; use [["Settings", "/settings"]]'
    if secret and len(str(secret)) < SHORTEST_SECRET:
        yield (
            f"{PREFIX}_SECRET_KEY: is shorter than {SHORTEST_SECRET} characters; "
            f"set it to {HOW_TO_FIX['SECRET_KEY']}"
        )
    try:
        conninfo_to_dict(str(given.get("DATABASE") or ""))
    except ProgrammingError as error:
        yield f"{PREFIX}_DATABASE: {str(error).strip()}; set it to {HOW_TO_FIX['DATABASE']}"


def _is_breadcrumb(value: object) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(crumb, list | tuple) and len(crumb) == 2 and isinstance(crumb[0], str)
        for crumb in value
    )
