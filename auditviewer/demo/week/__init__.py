"""A week of Kestrel Bikes' CRM, in order: who saved what, when, with which program, and why.

It only tells; the database is somewhere else.
"""

from datetime import UTC, datetime

from auditviewer.demo.week.first_days import CORRECTING, FINDING_THEIR_WAY, SIGNING_UP
from auditviewer.demo.week.last_days import LATELY, MOVING_TO_FRANCS, SECOND_THOUGHTS
from auditviewer.demo.week.saves import Save
from auditviewer.demo.week.selling import BOOKS, SEQUENCES, TERRITORIES

_STORIES = (
    *SIGNING_UP,
    *FINDING_THEIR_WAY,
    *CORRECTING,
    *MOVING_TO_FRANCS,
    *SECOND_THOUGHTS,
    *LATELY,
    *BOOKS,
    *TERRITORIES,
    *SEQUENCES,
)
_NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)


def _moment(save: Save) -> datetime:
    # The order is the same whenever the week is played: any day will do.
    return save.when.before(_NOON)


WEEK = tuple(sorted(_STORIES, key=_moment))
"""Every save, from the oldest to the newest."""
