"""Entries with what proves them, as one JSON file that an auditor verifies offline.

Takes what the database says as it is: whether it holds is for verify_evidence.py to say.
"""

from generator.evidence.reading import Asked, Evidence, gather
from generator.evidence.writing import VERIFIER, write_bundle

__all__ = ["VERIFIER", "Asked", "Evidence", "gather", "write_bundle"]
