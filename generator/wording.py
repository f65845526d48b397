"""Names of the catalogue as words for people: "workflow_conditions" becomes "Workflow condition".

Knows the commonest English plurals by rule, no other language; somebody reviews the result.
"""

import re

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ACRONYMS = re.compile(
    "api|bic|csv|html|https?|iban|id|ip|json|pdf|sku|sms|sql|ssl|tls|ur[il]|utc|uuid|vat|xml"
)
_PLURALS = {
    "alias": "aliases",
    "analysis": "analyses",
    "cache": "caches",
    "child": "children",
    "cookie": "cookies",
    "index": "indices",
    "man": "men",
    "menu": "menus",
    "movie": "movies",
    "person": "people",
    "quiz": "quizzes",
    "woman": "women",
}
_SINGULARS = {plural: singular for singular, plural in _PLURALS.items()}
_UNCHANGED = frozenset(["data", "equipment", "information", "media", "news", "series", "staff"])
_SINGULAR_RULES = [
    (r"(us|is|ss)$", r"\1"),
    (r"ies$", "y"),
    (r"(ss|sh|ch|x|[^aeo]us|o)es$", r"\1"),
    (r"s$", ""),
]
_PLURAL_RULES = [(r"([^aeiou])y$", r"\1ies"), (r"(s|x|z|ch|sh)$", r"\1es"), (r"$", "s")]

_SWITCH = re.compile(
    r"(?P<before>.+)_(?P<after>on|off|enabled|disabled)"
    r"|(?P<first>enabled?|disabled?)_(?!(by|for|in|on)_)(?P<rest>.+)"
)
_NO_SWITCH = re.compile(
    r"(can|could|has|have|had|must|should|was|will)_.+"
    r"|(.+_)?(add|based?|carry|cut|days?|depends?|hands|log|one|opt|pay|sign|switched|time|turned|write)"
    r"_(on|off)"
)
"""Booleans that end like switches: "has_add_on", "is_based_on", "is_day_off"."""

_CODE = re.compile(r"[A-Z0-9]{1,3}|(?=.*[A-Z]).*[0-9-].*|.*[^\w-].*", re.DOTALL)
"""Values that people know as they are: "R", "USD", "PG-13", "A+", "in stock"."""

_BOOKKEEPING = [
    (r"((schema|knex|goose_db)_)?migrations?(_lock)?|.*_migrations?|(alembic|schema|goose_db)_version"
     r"|databasechangelog(lock)?|ar_internal_metadata|flyway_schema_history|schema_info",
     "looks like the bookkeeping of migrations, in which people have no part"),
    (r"(.*_)?(logs?|audits?|audit_trails?|histor(y|ies))",
     "looks like a log: what happened stands in it already"),
    (r"(.*_)?sessions?", "looks like sessions, which come and go by themselves"),
    (r"(.*_)?(queues?|outbox|outboxes|dead_letters?)|(delayed|good|oban|que|queue|background)_jobs?"
     r"|solid_queue_.*|procrastinate_.*",
     "looks like a queue, which is written by machines"),
    (r"(.*_)?caches?|cache_.*|(.*_)?cached_.*", "looks like a cache, which is derived"),
]  # fmt: skip


def words(name: str) -> list[str]:
    """Split a name at underscores, other punctuation and inner capitals; in lower case."""
    return [word.lower() for part in _WORD.findall(name) for word in _CAMEL.split(part)]


def sentence(parts: list[str]) -> str:
    """Join words in sentence case, with the acronyms that everybody writes in capitals."""
    text = " ".join(part.upper() if _ACRONYMS.fullmatch(part) else part for part in parts)
    return text[:1].upper() + text[1:]


def singular(parts: list[str]) -> list[str]:
    """Return the words with the last one in the singular."""
    return [*parts[:-1], *map(_singular, parts[-1:])]


def plural(parts: list[str]) -> list[str]:
    """Return words whose last one is in the singular with that one in the plural."""
    return [*parts[:-1], *map(_plural, parts[-1:])]


def column_label(name: str, *, is_reference: bool) -> str:
    """Return what to call a column: "owner_id" is the owner, "is_enabled" whether it is enabled."""
    parts = words(name)
    if len(parts) > 1 and parts[0] == "is":
        parts = parts[1:]
    if len(parts) > 1 and (parts[-1] == "at" or (parts[-1] == "id" and is_reference)):
        parts = parts[:-1]
    return sentence(parts) or name


def switch(name: str) -> tuple[str, bool] | None:
    """Return what a boolean column turns on, and whether true is on; None where it is no switch.

    "is_lead_scoring_on" turns on "Lead scoring"; "is_active" says only how something is.
    """
    flag = "_".join(words(name)).removeprefix("is_")
    match = _SWITCH.fullmatch(flag)
    if match is None or _NO_SWITCH.fullmatch(flag):
        return None
    turned = match["after"] or match["first"]
    return sentence((match["before"] or match["rest"]).split("_")), turned[:2] in ("on", "en")


def value_label(value: str) -> str:
    """Return how to say a value of an enum: "handed_out" is "Handed out"; a code stays a code."""
    said = "" if _CODE.fullmatch(value) else sentence(words(value))
    return said or (value if value.strip() else "(empty)")


def bookkeeping_reason(table: str) -> str | None:
    """Say why a table of this name is likely to hold nothing that people decide, or None."""
    name = "_".join(words(table))
    return next((why for pattern, why in _BOOKKEEPING if re.fullmatch(pattern, name)), None)


def count(number: int, noun: str) -> str:
    """Return "1 entry" or "12,345 entries"."""
    return f"{number:,} {noun if number == 1 else _plural(noun)}"


def _singular(word: str) -> str:
    if word in _UNCHANGED or word in _SINGULARS:
        return _SINGULARS.get(word, word)
    return _first(_SINGULAR_RULES, word) if len(word) > 3 else word


def _plural(word: str) -> str:
    if word in _UNCHANGED or word in _PLURALS:
        return _PLURALS.get(word, word)
    return _first(_PLURAL_RULES, word)


def _first(rules: list[tuple[str, str]], word: str) -> str:
    """Apply the first rule that fits."""
    for pattern, replacement in rules:
        if re.search(pattern, word):
            return re.sub(pattern, replacement, word, count=1)
    return word
