"""Writes a bundle of evidence as JSON, an entry, a block or a seal on a line."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from generator.anchors.anchor import Anchor
from generator.evidence.reading import Asked, Evidence
from generator.evidence.verify_evidence import BLOCK, COLUMNS, SEAL, decode

VERIFIER = Path(__file__).with_name("verify_evidence.py")
README = (
    "Entries of an audit log of pgwitness, with what proves them. To verify them, with Python 3.8 "
    "or newer: python3 verify_evidence.py THIS_FILE --anchors anchors.jsonl. The program is what "
    "pgwitness evidence --verifier prints. Have it, and the anchors, from others than this file."
)


def write_bundle(found: Evidence, anchors: Sequence[Anchor], file: TextIO) -> str:
    """Write a bundle, and return its SHA-256 in hex."""
    digest = hashlib.sha256()
    for piece in _pieces(found, anchors):
        file.write(piece)
        digest.update(piece.encode())
    file.flush()
    return digest.hexdigest()


def _pieces(found: Evidence, anchors: Sequence[Anchor]) -> Iterator[str]:
    parts = {
        "format": "pgwitness evidence 1",
        "readme": README,
        "database": found.database,
        "made_at": _moment(found.made_at),
        "asked": _asked(found.asked),
    }
    for key, value in parts.items():
        yield f"{'{' if key == 'format' else ''}{_json(key)}: {_json(value)},\n"
    yield from _lines("entries", map(_entry, found.entries), ",\n")
    yield from _lines("blocks", map(_block, found.blocks), ",\n")
    yield from _lines("seals", map(_seal, found.seals), ",\n")
    yield from _lines("anchors", map(_anchor, anchors), "}\n")


def _lines(key: str, items: Iterable[Any], end: str) -> Iterator[str]:
    yield f"{_json(key)}: ["
    for number, item in enumerate(items):
        yield (",\n" if number else "\n") + _json(item)
    yield f"\n]{end}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _moment(moment: datetime | None) -> str:
    return moment.isoformat(timespec="microseconds") if moment else ""


def _asked(asked: Asked) -> dict[str, Any]:
    since, until = _moment(asked.since), _moment(asked.until)
    return {"ids": [*map(str, asked.ids)], "from": since, "to": until, "of": asked.of}


def _entry(row: Any) -> dict[str, Any]:
    id_, occurred_at = decode(row.place)
    return {"id": id_, "occurred_at": occurred_at, **_record(row, COLUMNS)}


def _block(row: Any) -> dict[str, Any]:
    return {"seal": str(row.seal), **_record(row, BLOCK), "list": row.list.hex()}


def _seal(row: Any) -> dict[str, Any]:
    return {**_record(row, SEAL), "head": row.head.hex()}


def _anchor(anchor: Anchor) -> dict[str, str]:
    return {key: str(value) for key, value in json.loads(anchor.line()).items()}


def _record(row: Any, names: Iterable[str]) -> dict[str, Any]:
    readable = dict(zip(names, decode(row.record), strict=True))
    return {"record": row.record.hex(), "readable": readable}
