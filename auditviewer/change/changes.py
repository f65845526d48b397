"""A change: what the entries of one save of one entity come to, row by row and field by field.

The tree is worked out here, once: a change has fields, and groups of parts, which have fields of
their own; each holds its values in words and the sentence of audit.toml that says it. `sentences`
and `sides` only render it. Pure: knows neither the database nor the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum

from auditviewer.change.fields import Field, Fields
from auditviewer.change.parts import Group, compare, group_parts, rows_of
from auditviewer.change.records import Entry, Tables
from auditviewer.change.states import State, fold_rows, without_parent
from auditviewer.change.verbatim import quote, reveal
from auditviewer.change.wordings import Terms, Wording, find_wording


class Kind(StrEnum):
    """Type of change, of the entity as a whole."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


@dataclass(frozen=True)
class Change:
    """One save of one entity; *last* is the newest entry that names it, and says who and when.

    *is_fleeting*: the entity came and went in this save. *more*: there are other *entries*, behind
    the one of this id. *is_rekeyed*: the entity has another key since. *wording* is the sentence of
    audit.toml for an entity that came or went.
    """

    last: Entry
    entries: int
    kind: Kind
    label: str | None
    fields: tuple[Field, ...]
    unchanged: int
    groups: tuple[Group, ...]
    is_fleeting: bool = False
    is_truncated: bool = False
    more: int | None = None
    too_large: int | None = None
    wording: Wording | None = None
    is_rekeyed: bool = False

    @property
    def is_partial(self) -> bool:
        """Whether there are more entries."""
        return self.more is not None

    @property
    def leaves_nothing(self) -> bool:
        """Whether what was done was undone, or hidden, in the same save."""
        return not (self.fields or self.groups or self.is_truncated or self.too_large)


def fold(
    entries: Sequence[Entry], tables: Tables, zone: tzinfo, *, more: int | None = None
) -> Change:
    """Return what the entries of one change come to; *entries* is not empty, in any order."""
    ordered = sorted(entries, key=lambda entry: entry.id)
    states = [without_parent(state) for state in fold_rows(ordered, tables)]
    roots = [state for state in states if state.part is None]
    parts = [state for state in states if state.part is not None and not state.is_fleeting]
    root = roots[0] if len(roots) == 1 else None
    compared = compare(root, rows_of(root, zone)) if root else Fields()
    truncated = {entry.part for entry in ordered if entry.operation == "TRUNCATE"}
    return Change(
        # A part that a cascade removed has lost its entity, and the way to its change.
        last=max(ordered, key=lambda each: (each.entity_id is not None, each.occurred_at, each.id)),
        entries=len(entries),
        kind=Kind.DELETED if None in truncated else _kind(roots),
        label=_label(ordered),
        fields=compared.changed,
        unchanged=compared.unchanged,
        groups=tuple(group_parts([*parts, *(() if root else roots)], truncated, zone)),
        is_fleeting=root is not None and root.is_fleeting,
        is_truncated=None in truncated,
        more=more,
        too_large=max((entry.size for entry in ordered if entry.size), default=None),
        wording=_wording(root, _label(ordered), zone) if root else None,
        is_rekeyed=any(entry.is_former for entry in ordered if entry.part is None),
    )


def _kind(roots: Sequence[State]) -> Kind:
    if roots and all(root.new is None for root in roots):
        return Kind.DELETED
    if roots and all(root.old is None for root in roots):
        return Kind.CREATED
    return Kind.UPDATED


def _label(entries: Sequence[Entry]) -> str | None:
    """Return the entity's name: the last that its own row said, else that a part said."""
    named = [entry for entry in entries if entry.entity_label is not None]
    of_root = [entry for entry in named if entry.part is None]
    return (of_root or named)[-1].entity_label if named else None


def _wording(root: State, label: str | None, zone: tzinfo) -> Wording | None:
    if root.is_too_large or (root.old is None) == (root.new is None):
        return None
    old, new = rows_of(root, zone)
    case, row = (Kind.CREATED, new) if root.old is None else (Kind.DELETED, old)
    return find_wording(
        root.table.say, (case.value,), Terms(row, {"label": quote(reveal(label or ""))})
    )
