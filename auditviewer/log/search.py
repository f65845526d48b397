"""Text that a reader types, as a condition on the words of an entry.

Words are what PostgreSQL's text search makes of the values in the log: `audit._words` in
sql/09_search.sql. Which entries are asked, and in which order, is `stands`' business.

A change is found by its names and values as the log has them: any case, whole words, the last one
as far as it was typed. Not found: the words of audit.toml where the row has others ("enabled" for
true), parts of an e-mail address or a URL but their beginning, numbers and dates as the page
writes them ("1,000", "22 Nov"), and redacted values. A day without the index of
`audit.index_day`, such as today, is searched entry by entry, and so within the longest query.
"""

import re
from typing import Any

from psycopg import sql

LONGEST_TEXT = 500
"""Characters that count: no word of a query may have 2,047 bytes."""

TERM = re.compile(r'"(?P<phrase>[^"]*)(?P<closed>"?)|(?P<word>[^\s"]+)')
RUN = re.compile(r"[^\W_]+")

# Without an index, words cost 14 times as much as to see that their letters are nowhere in the
# entry. As a function, not ILIKE: the planner takes that for rare, and would sort what is frequent.
HAS_WORDS = sql.SQL("""\
texticlike(concat_ws(' ', {e}.entity_label, {e}.labels, {e}.old_row, {e}.new_row)
               COLLATE {collation}, %(text_letters)s)
  AND audit._words({e}.entity_label, {e}.labels, {e}.old_row, {e}.new_row)
      @@ (to_tsquery('pg_catalog.simple', %(text_whole)s)
          && (to_tsquery('pg_catalog.simple', %(text_begun)s) || %(text_as_typed)s::tsquery))""")


def text_condition(text: str, alias: str = "e") -> tuple[sql.Composable, dict[str, Any]]:
    """Return the condition that an entry has all words of a text, and its values.

    Words in quotes are a phrase; the last one, unless quoted, may go on. No text is wrong, but one
    without a letter or digit finds nothing. *alias* is that of audit.entry.
    """
    terms = list(TERM.finditer(text[:LONGEST_TEXT].strip()))
    begun = ""
    if terms and not terms[-1]["closed"]:
        last = terms.pop()
        begun = last["word"] or last["phrase"]
    whole = [term["word"] or term["phrase"] for term in terms]
    letters = max(RUN.findall(text[:LONGEST_TEXT]), key=len, default="")
    values = {
        "text_whole": " & ".join(_quoted(each) for each in whole if RUN.search(each)),
        "text_begun": f"{_quoted(begun)}:*" if RUN.search(begun) else "",
        # Half of an address is no address to PostgreSQL's parser, but begins one.
        "text_as_typed": f"{_quoted(begun.lower())}:*" if RUN.search(begun) else "",
        "text_letters": f"%{letters}%",
    }
    collation = sql.Identifier("C" if letters.isascii() else "default")
    return HAS_WORDS.format(e=sql.Identifier(alias), collation=collation), values


def _quoted(text: str) -> str:
    r"""Return a text as one operand of a tsquery (manual, 8.11.2): only ' and \ have a meaning."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
