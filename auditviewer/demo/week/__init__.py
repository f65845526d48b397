"""A week of Kestrel Bikes' CRM, in order: who saved what, when, with which program, and why.

It only tells; the database is somewhere else.
"""

from auditviewer.demo.week.first_days import CORRECTING, FINDING_THEIR_WAY, SIGNING_UP
from auditviewer.demo.week.last_days import LATELY, MOVING_TO_FRANCS, SECOND_THOUGHTS

WEEK = (
    *SIGNING_UP,
    *FINDING_THEIR_WAY,
    *CORRECTING,
    *MOVING_TO_FRANCS,
    *SECOND_THOUGHTS,
    *LATELY,
)
"""Every save, from the oldest to the newest."""
