"""Verifies a bundle of audit entries, offline: python3 verify_evidence.py bundle.json

Needs Python 3.8 or newer only. What proves an entry, each by SHA-256 over what is above it, is

    record    the entry, byte for byte as PostgreSQL's record_send() wrote it
    list      for each entry of a block, its id, its time and the digest of its record
    block     a header with the digest of the list (root)
    seal      the digest of these headers, and the head of the seal before; its own is its head
    anchor    a head that somebody kept outside of the database since then

Only the anchors that you give by --anchors prove something: those in the bundle are as much its
maker's as all else in it. Exit 0: each entry leads to one of these; 1: not so; 2: can't be read.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any, Iterator, Sequence

# What the record of an entry holds, in this order, with titles for reading.
ENTRY = {
    "format": ("format",),
    "transaction": ("transaction_id", "transaction_at", "actor_bound", "actor_signed"),
    "table": ("source", "operation", "table_schema", "table_name"),
    "thing": ("module", "entity", "part", "entity_id", "former_entity_id", "entity_label"),
    "who, as the application said": ("actor", "actor_name", "ip"),
    "who, as the database saw": ("db_user", "db_role", "client_addr", "application_name"),
    "more": ("context", "row_key", "labels"),
    "row": ("old_row", "new_row"),
}
COLUMNS = tuple(name for names in ENTRY.values() for name in names)
BLOCK = ("number", "partition_from", "entries", "first_id", "last_id", "root")
LINK = ("number", "kind", "sealed_at", "identity", "after_id", "below", "entries", "root")
SEAL = ("format", *LINK, "detail", "previous")


class Number(str):
    """A number as it was written: a text in JSON, as readers of JSON round numbers."""


def moment(data: bytes) -> str:
    """Return a time as ISO 8601 in UTC; PostgreSQL sends microseconds since 2000."""
    number = int.from_bytes(data, "big", signed=True)
    try:
        time = datetime(2000, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=number)
    except OverflowError:
        return f"{number} microseconds since 2000"
    return time.isoformat(timespec="microseconds")


def address(data: bytes) -> str:
    """Return an address; PostgreSQL sends 2 for IPv4, bits of the network, and 2 bytes more."""
    host = ".".join(map(str, data[4:])) if data[0] == 2 else data[4:].hex(":", 2)
    return host if data[1] == 8 * len(data[4:]) else f"{host}/{data[1]}"


def parsed(text: str) -> Any:
    """Return what JSON says; what is nested too deeply for some readers stays a text."""
    brackets = re.sub(r'"(\\.|[^"\\])*"|[^][{}]', "", text)
    if max(accumulate((1 if sign in "[{" else -1 for sign in brackets), initial=0)) > 100:
        return text
    return json.loads(text, parse_int=Number, parse_float=Number)


# How to read a value, by its type's number (oid), which is the same in every database.
READ: dict[int, Any] = {
    16: lambda data: data != b"\0",  # boolean
    17: bytes.hex,  # bytea
    20: lambda data: Number(int.from_bytes(data, "big", signed=True)),  # bigint
    23: lambda data: int.from_bytes(data, "big", signed=True),  # integer
    25: bytes.decode,  # text
    869: address,  # inet
    1184: moment,  # timestamptz
    3802: lambda data: parsed(data[1:].decode()),  # jsonb, after its version
    5069: lambda data: Number(int.from_bytes(data, "big")),  # xid8
}


def decode(record: bytes) -> Iterator[Any]:
    """Yield the values of a record: of each its type, its length (-1 is null) and its bytes."""
    at = 4
    for _ in range(int.from_bytes(record[:4], "big")):
        type_ = int.from_bytes(record[at : at + 4], "big")
        length = int.from_bytes(record[at + 4 : at + 8], "big", signed=True)
        begin, at = at + 8, at + 8 + max(length, 0)
        yield None if length == -1 else READ[type_](record[begin:at])
    if at != len(record):
        raise ValueError("it is too short or too long")


def opened(item: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return what the record of an item says, by name, which is what the bundle shows of it."""
    try:
        values = list(decode(bytes.fromhex(item["record"])))
    except (ValueError, LookupError) as error:
        raise ValueError(f"its record can't be read ({error})") from None
    seen = dict(zip(names, values))
    is_known = seen.get("format") in (None, "pgwitness entry 1", "pgwitness seal 1")
    if not is_known or len(values) != len(names) or seen != item["readable"]:
        raise ValueError("its record is of another format, or says other things than are shown")
    return seen


def shown(value: Any) -> str:
    """Return a value as JSON, with each number as it was written."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{shown(k)}: {shown(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    return str(value) if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def described(seen: dict[str, Any]) -> Iterator[str]:
    """Say who did what, and each field of the row before and after."""
    for title, names in list(ENTRY.items())[1:-1]:
        known = [f"{name} {shown(seen[name])}" for name in names if seen[name] is not None]
        yield f"  {title}: {', '.join(known) or '-'}"
    rows = (seen[name] or {} for name in ENTRY["row"])
    old, new = (row if isinstance(row, dict) else {"": row} for row in rows)
    for name in {**old, **new}:
        before, after = (shown(row[name]) if name in row else "-" for row in (old, new))
        if seen["operation"] != "UPDATE" or (name in old and before != after):
            yield f"    {name}: {before} -> {after}"


def open_blocks(bundle: Any) -> tuple[dict[int, bytes], dict[str, list[Any]]]:
    """Return the headers of each seal, and for each id: time, digest, seal or 0, and why not it."""
    headers: dict[int, bytes] = {}
    places: dict[str, list[Any]] = {}
    for block in bundle["blocks"]:
        header, seal, items = opened(block, BLOCK), int(block["seal"]), bytes.fromhex(block["list"])
        headers[seal] = headers.get(seal, b"") + bytes.fromhex(block["record"])
        is_so = sha256(b"pgwitness block 1" + items).hexdigest() == header["root"]
        changed = f"the list of block {header['number']} of seal {seal} was changed"
        found = [seal, "it is not what was sealed"] if is_so else [0, changed]
        for item in (items[at : at + 48] for at in range(0, len(items), 48)):
            place = [moment(item[8:16]), item[16:].hex()]
            places.setdefault(READ[20](item[:8]), []).append([*place, *found])
    return headers, places


def open_chain(bundle: Any, headers: dict[int, bytes]) -> tuple[Any, dict[int, str]]:
    """Return the seals by number, and what is wrong with which of them."""
    seals, broken, before = {}, {}, None
    for item in bundle["seals"]:
        seal = {**opened(item, SEAL), "head": item["head"]}
        number = int(seal["number"])
        if sha256(bytes.fromhex(item["record"])).hexdigest() != seal["head"]:
            broken[number] = "it was changed"
        blocks = headers.get(number)
        if blocks and sha256(b"pgwitness blocks 1" + blocks).hexdigest() != seal["root"]:
            broken[number] = "the headers of its blocks were changed"
        if before and (int(before["number"]), before["head"]) != (number - 1, seal["previous"]):
            broken[number] = "it does not follow the one before it"
        seals[number] = before = seal
    return seals, broken


def follow(anchors: list[Any], seals: Any, broken: dict[int, str]) -> dict[int, tuple[int, str]]:
    """Return for each seal the anchor that it leads to, or 0, and what is broken till there."""
    anchored, found, end, wrong = set(), {}, 0, ""
    for anchor in anchors:
        number = int(anchor["number"])
        seal = seals.get(number, {"identity": None})
        if all(str(anchor[name]) == seal.get(name) for name in ("number", "identity", "head")):
            anchored.add(number)
        elif anchor["identity"] == seal["identity"]:
            broken[number] = f"it is not what was anchored at {anchor['sealed_at']}"
    for number in sorted(seals, reverse=True):
        end, wrong = (number, "") if number in anchored else (end, wrong)
        wrong = f"seal {number}: {broken[number]}" if number in broken else wrong
        found[number] = end, wrong
    return found


def proof(entry: Any, seen: Any, places: Any, seals: Any, chain: Any) -> tuple[str, str]:
    """Return how far an entry is proven, in a word and in words; raise ValueError for a lie."""
    here = [entry["occurred_at"], sha256(bytes.fromhex(entry["record"])).hexdigest()]
    number = max((seal for *place, seal, _ in places if place == here), default=0)
    last = seals[next(reversed(seals))] if seals else {"below": 0, "after_id": -(2**63)}
    transaction, id_ = int(seen["transaction_id"]), int(entry["id"])
    if not places and transaction >= int(last["below"]) and id_ > int(last["after_id"]):
        return "not sealed", "nothing proves it yet"
    if not number:
        raise ValueError(places[0][-1] if places else "no block has it, though that was sealed")
    end, wrong = chain.get(number, (0, f"seal {number} is missing"))
    if wrong:
        raise ValueError(wrong)
    by = f"by seal {number} of {seals[number]['sealed_at']}"
    only = "no anchor of yours leads there, and whoever made the bundle could have made that up"
    return ("PROVEN", f"{by}, anchored by seal {end}") if end else ("not anchored", f"{by}; {only}")


def report(bundle: Any, anchors: list[Any]) -> Iterator[tuple[str, str]]:
    """Yield what is found, each in a word and in words."""
    headers, places = open_blocks(bundle)
    seals, broken = open_chain(bundle, headers)
    follow(bundle["anchors"], seals, broken)
    chain, asked = follow(anchors, seals, broken), bundle["asked"]
    for entry in bundle["entries"]:
        yield "", f"entry {entry['id']} of {entry['occurred_at']}:"
        try:
            seen = opened(entry, COLUMNS)
            yield from (("", line) for line in described(seen))
            yield proof(entry, seen, places.get(entry["id"], []), seals, chain)
        except ValueError as error:
            yield "BROKEN", str(error)
    yield from (("BROKEN", f"seal {number}: {broken[number]}") for number in sorted(broken))
    for id_ in sorted(places.keys() - {entry["id"] for entry in bundle["entries"]}, key=int):
        time = places[id_][0][0]
        if id_ in asked["ids"] or (asked["from"] <= time < asked["to"] and not asked["of"]):
            yield "BROKEN", f"entry {id_} of {time}: it was sealed and asked for, and is gone"


def main() -> int:
    """Print what a bundle proves, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--anchors", type=Path, help="heads kept elsewhere, as JSON lines")
    options = parser.parse_args()
    path = options.anchors
    try:
        lines = path.read_text("utf-8").splitlines() if path else []
        # A line that has a beginning and no end was cut off by a disk that was full.
        anchors = [json.loads(line) for line in lines if not re.fullmatch(r"\{(.*[^}])?", line)]
        path = options.bundle
        data = path.read_bytes()
        found = list(report(json.loads(data), anchors))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        print(f"{path} can't be read: {error!r}", file=sys.stderr)
        return 2
    print(f"SHA-256 of {options.bundle}: {sha256(data).hexdigest()}")
    for state, text in found:
        line = f"  {state}: {text}" if state else text
        safe = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in line)
        print(safe.encode(sys.stdout.encoding, "backslashreplace").decode(sys.stdout.encoding))
    states = [state for state, _ in found if state]
    print("\n" + ", ".join(f"{states.count(state)} {state}" for state in sorted({*states})))
    return 0 if {*states} == {"PROVEN"} else 1


if __name__ == "__main__":
    sys.exit(main())
