"""What a change is, and how it reads: entries in, words out.

Begins at `records` (what was read), comes to a tree in `changes`, and ends in `sentences` and
`sides`. Knows neither the database nor the page.
"""
