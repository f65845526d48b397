"""Where audit.toml wants the heads of seals to be kept, outside of the database.

Knows how that is written; how they get there, `delivery` knows.
"""

from dataclasses import dataclass
from pathlib import Path

from generator.toml_reader import Reader, Toml

_KEYS = ("file", "url", "command")


@dataclass(frozen=True)
class Places:
    """A file that lines are added to, a URL under which objects are, a program that gets lines."""

    file: Path | None = None
    url: str | None = None
    command: tuple[str, ...] = ()


def read_places(reader: Reader, document: Toml, folder: Path) -> Places:
    """Return the table "anchor" of a document; a relative file is one of *folder*."""
    body = reader.mapping(document, "anchor", "")
    reader.known(body, _KEYS, "anchor")
    if "anchor" in document and not body:
        reader.finding("anchor", f"names no place – add one of: {', '.join(_KEYS)}")
    file = reader.optional_text(body, "file", "anchor", "/var/lib/pgwitness/anchors.jsonl")
    url = reader.optional_text(body, "url", "anchor", "s3://bucket/anchors")
    if url and "://" not in url:
        reader.finding("anchor", '"url" must begin with a scheme, such as s3:// – or name a "file"')
    return Places(folder / file if file else None, url, _read_command(reader, body))


def _read_command(reader: Reader, body: Toml) -> tuple[str, ...]:
    command = body.get("command", [])
    is_list = isinstance(command, list) and all(isinstance(word, str) for word in command)
    if is_list and (all(command[:1]) if command else "command" not in body):
        return tuple(command)
    example = 'command = ["logger", "-t", "pgwitness"]'
    reader.finding("anchor", f'"command" must be a program and its arguments, such as {example}')
    return ()
