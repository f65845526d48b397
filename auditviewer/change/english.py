"""Nouns and sentences of English: plurals, and how words begin.

Knows nothing of what is said.
"""

from auditviewer.change.quantities import number_in_words


def count(number: int, noun: str) -> str:
    """Return "1 condition" or "2 conditions"."""
    word = lowered(noun)
    return f"{number_in_words(number)} {word if number == 1 else plural(word)}"


def lowered(noun: str) -> str:
    """Return a noun for the middle of a sentence; an abbreviation keeps its capitals."""
    return noun[:1].lower() + noun[1:] if noun[1:] == noun[1:].lower() else noun


def plural(noun: str) -> str:
    """Return the regular plural of an English noun; "settings" is one already."""
    if noun.endswith("s") and noun[-2:-1] not in "aiosu":
        return noun
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def begun_small(sentence: str) -> str:
    """Return a sentence for after a comma: "Billed yearly" begins small, "SLA set" doesn't."""
    first = sentence.split(" ")[0]
    return lowered(first) + sentence[len(first) :]


def begun_large(sentence: str) -> str:
    """Return a sentence that stands first; an address or a name such as iPhone stays as it is."""
    first = sentence.split(" ")[0].rstrip(",:")
    is_word = first.replace("-", "").isalpha() and first == first.lower()
    return sentence[:1].upper() + sentence[1:] if is_word else sentence
