"""What somebody typed, amid words of the page: nothing in it is unseen, or taken for these words.

Knows characters and the page's own words, not what a text is of.
"""

import re
import unicodedata

BLANK = re.compile(r"[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]+")
"""Space, and characters that are not seen at all."""
UNSEEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060-\u206f\ufeff]|⟨(?=U\+)"
)
"""Characters that turn a line around or hide in it; not those that scripts and emoji need.

Beside them, what would pass for the sign of one.
"""
BLANK_OR_UNSEEN = re.compile(f"{BLANK.pattern}|{UNSEEN.pattern}")
VISIBLE = {" ": "␣", "\n": "↵", "\t": "⇥", "\r": "␍"}

AMBIGUOUS = re.compile(r"[,;→›·“”\r\n\u2028\u2029](?:(?<![,;])|(?=\s|\Z))")
"""What also stands between the words of a sentence, or is lost there; a comma before a space."""
LINE_END = re.compile(r"\s*[\r\n\u2028\u2029]\s*")
OWN_WORDS = frozenset(
    {"not set", "not there", "empty", "empty text", "empty list", "hidden", "none of these"}
    | {"added", "removed", "changed", "moved", "set", "cleared", "yes", "no", "on", "off"}
    | {"all", "none", "nothing"}
)
"""What a sentence says of values and of what happened to them."""
RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
ISOLATE, END = "\u2068", "\u2069"
"""Between them a text has a direction of its own: "א → ב" would else be read from "ב" to "א"."""
OPENING, CLOSING = "“", "”"
INNER_QUOTES = str.maketrans("“”", "‘’")


def reveal(text: str) -> str:
    """Return a text with what nobody would see in it made visible: "a⟨U+202E⟩b"."""
    # All of it but that sign is what Python calls not printable, which is quickly told.
    if text.isprintable() and "⟨" not in text:
        return text
    return UNSEEN.sub(_signs, text)


def reveal_blanks(text: str) -> str:
    """Return a text with its spaces made visible, too: "a␣b↵c"."""
    return BLANK_OR_UNSEEN.sub(_signs, text)


def _signs(found: re.Match[str]) -> str:
    return "".join(VISIBLE.get(char, f"⟨U+{ord(char):04X}⟩") for char in found[0])


def seen_words(text: str) -> list[str]:
    """Return the words that a reader can tell from others."""
    if text.isascii():
        return text.split()
    return BLANK.sub(" ", unicodedata.normalize("NFC", text)).split()


def quote(text: str) -> str:
    """Return a text for a sentence: in quotes, and in one line, where it would be ambiguous."""
    if _is_ambiguous(text):
        return in_quotes(LINE_END.sub(" ↵ ", text))
    return _isolated(text)


def _is_ambiguous(text: str) -> bool:
    if text in OWN_WORDS or text != text.strip() or not text or BLANK.fullmatch(text):
        return True
    return AMBIGUOUS.search(text) is not None


def shorten(text: str, longest: int, cut: str) -> str:
    """Return a text for a sentence that is not longer, with what it was put into."""
    if len(text) <= longest:
        return text
    opened = [char for char in text[:2] if char in (ISOLATE, OPENING)]
    closing = "".join(CLOSING if char == OPENING else END for char in reversed(opened))
    return text[:longest].rstrip() + cut + closing


def in_quotes(text: str) -> str:
    """Return a text in quotes; those inside it are single ones."""
    return f"{OPENING}{_isolated(text.translate(INNER_QUOTES))}{CLOSING}"


def _isolated(text: str) -> str:
    if text.isascii() or not RIGHT_TO_LEFT.search(text):
        return text
    return f"{ISOLATE}{text}{END}"
