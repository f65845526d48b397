"""Queries of the log: which changes stand where, their entries, and what became of them since.

Knows SQL; what entries mean together is for `auditviewer.change` to say.
"""
