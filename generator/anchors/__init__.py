"""Keeps the heads of seals outside of the database, where its owner can't write the chain anew.

Knows places and lines; what is in the chain, callers say.
"""
