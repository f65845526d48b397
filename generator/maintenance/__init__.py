"""Keeps the days of the log: adds them ahead, seals them, makes them quick to read, drops old ones.

Writers are never kept waiting for more than a moment, and each step can be the last one: what a
killed run left, the next one finishes.
"""

from generator.maintenance.run import Run, Terms, begin
from generator.maintenance.session import Busy, Session, open_session
from generator.maintenance.steps import maintain
from generator.maintenance.waiting import Blocked, Patience

__all__ = [
    "Blocked",
    "Busy",
    "Patience",
    "Run",
    "Session",
    "Terms",
    "begin",
    "maintain",
    "open_session",
]
