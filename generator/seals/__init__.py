"""Seals what is new in the log, and takes the heads of its seals to where the log's owner is not.

What a seal is, sql/11_seal.sql says.
"""
