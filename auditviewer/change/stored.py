"""Stored JSON as it is: what tells two values apart, and how one is written.

Knows nothing of words, columns or changes.
"""

import json
import re
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeGuard

from auditviewer.change.records import Json

FINGERPRINT = re.compile(r"[0-9a-f]{16}")
IMAGE_OF_DECIMAL = re.compile(r'\{"\\u0000": "([^"]*)"\}')


class Absent(StrEnum):
    """Says that there is no value: neither null nor empty."""

    ABSENT = "not there"


ABSENT: Final = Absent.ABSENT
Stored = Json | Absent


def is_redacted(value: Stored) -> bool:
    """Tell whether this is the fingerprint of a redacted value."""
    if not isinstance(value, dict) or value.keys() != {"redacted"}:
        return False
    fingerprint = value["redacted"]
    return isinstance(fingerprint, str) and FINGERPRINT.fullmatch(fingerprint) is not None


def is_number(value: Stored) -> TypeGuard[int | Decimal]:
    """Tell whether this is a number: true and false are none."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def image(value: Stored) -> str:
    """Return what tells two values apart: 1.10 is not 1.1, true not 1, and "1" not 1."""
    if isinstance(value, Absent):
        return ""
    return IMAGES.encode(value)


def is_same(one: Stored, other: Stored) -> bool:
    """Tell whether two values have the same image."""
    if type(one) is not type(other):
        return False
    return image(one) == image(other) if isinstance(one, Decimal | list | dict) else one == other


def _decimal_image(value: Decimal) -> dict[str, str]:
    # No key of a jsonb value holds NUL, so that this is nothing else's image.
    return {"\0": str(value)}


IMAGES: Final = json.JSONEncoder(default=_decimal_image, sort_keys=True, ensure_ascii=False)


def as_json(value: Stored) -> str:
    """Return a value as JSON."""
    return IMAGE_OF_DECIMAL.sub(r"\1", image(value))


def as_text(value: Stored) -> str:
    """Return a value as PostgreSQL's ->> does: the key by which words are looked up."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
