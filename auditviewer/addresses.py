"""How an address of the viewer holds the key of an entity, and a moment.

Both are somebody else's text: a key may be "..", "a/b" or empty, which no path survives as it is.
"""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

PLAIN = "-_ ,:@"
ESCAPED = re.compile(rb"~([0-9A-F]{2})")
IS_ESCAPED = re.compile(r"~|(?:[^~]|~[0-9A-F]{2})+")


def in_path(text: str) -> str:
    """Return a text as one segment of a path: letters and digits as they are, "/" as "~2F"."""
    plain = (char if char.isalnum() or char in PLAIN else _escaped(char) for char in text)
    return "".join(plain) or "~"


def _escaped(char: str) -> str:
    return "".join(f"~{byte:02X}" for byte in char.encode())


def from_path(segment: str) -> str:
    """Return the text of a segment; raises ValueError where it is none, or holds a NUL."""
    if not IS_ESCAPED.fullmatch(segment):
        raise ValueError(segment)
    bytes_ = ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode()), segment.encode())
    text = "" if segment == "~" else bytes_.decode()
    if "\0" in text:
        raise ValueError(segment)
    return text


def read_moment(text: str, zone: ZoneInfo) -> datetime:
    """Read "2026-11-20T09:00", by the clocks of *zone* unless it has an offset of its own.

    Of an hour that clocks show twice, it is the first. Raises ValueError.
    """
    moment = datetime.fromisoformat(text)
    # The years at either end have moments that other zones don't.
    if not 1 < moment.year < datetime.max.year:
        raise ValueError(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def moment_in_url(moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment for `read_moment`, rounded up to milliseconds."""
    local = (moment + timedelta(microseconds=999)).astimezone(zone)
    named = local if local.fold else local.replace(tzinfo=None)
    return named.isoformat(timespec="milliseconds")


def moment_in_field(moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment as a form shows it: to the minute."""
    return moment.astimezone(zone).replace(tzinfo=None).isoformat(timespec="minutes")
