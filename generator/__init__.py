"""pgwitness's generator: from audit.toml to reviewable migrations, and back to what is installed.

It writes and compares SQL; it never captures a change itself: PostgreSQL does.
"""
