"""A company whose people and jobs change things: who, what and how often, drawn from a seed.

Few people do most, three changes in ten are the product's own, and kinds of things follow Zipf's
law. Knows what a change consists of; when it was made and where it is stored, `fill` knows.
"""

import random
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

KINDS = (
    ("Workflows", "Workflow", "workflow", "Condition"),
    ("Contacts", "Contact", "contact", "Phone number"),
    ("Deals", "Deal", "deal", "Product line"),
    ("Companies", "Company", "company", "Address"),
    ("Users", "User", "member", "Permission"),
    ("Pipelines", "Pipeline", "pipeline", "Stage"),
    ("E-mail templates", "Template", "template", "Attachment"),
    ("Products", "Product", "product", "Price tier"),
    ("Territories", "Territory", "territory", "Rule"),
    ("Webhooks", "Webhook", "webhook", "Header"),
    ("Custom fields", "Field", "field", "Choice"),
    ("Account & CRM settings", "Account settings", "setting", "Option"),
)
"""Module, entity, table and part."""

FIRST = [
    "Ana",
    "Priya",
    "Tom",
    "Liu",
    "Omar",
    "Eva",
    "Jonas",
    "Mei",
    "Ravi",
    "Sara",
    "Hugo",
    "Nina",
    "Paul",
    "Ines",
    "Karl",
    "Lena",
]
LAST = [
    "Diaz",
    "Nair",
    "Berg",
    "Wei",
    "Haddad",
    "Novak",
    "Lind",
    "Chen",
    "Iyer",
    "Cohen",
    "Roux",
    "Weiss",
    "Marsh",
    "Costa",
]
NOUNS = [
    "leads",
    "invoice",
    "renewal",
    "onboarding",
    "campaign",
    "quote",
    "ticket",
    "trial",
    "demo",
    "contract",
]
VERBS = [
    "Nurture",
    "Assign",
    "Remind",
    "Escalate",
    "Archive",
    "Import",
    "Merge",
    "Score",
    "Notify",
    "Convert",
]
CITIES = [
    "Bern",
    "Lagos",
    "Osaka",
    "Quito",
    "Turin",
    "Leeds",
    "Pune",
    "Gdansk",
    "Perth",
    "Malmo",
    "Lyon",
    "Austin",
]

PERSONS = 180
ENTITIES = 40_000
POOL = 600
SIZES = (52, 14, 9, 6, 5, 3, 3, 2, 2, 2, 1, 1)
"""Out of a hundred changes: how many have one entry, two, and so on."""

EVERYWHERE, COMMON, RARE = "kestrel", "quarterly", "xylograph"
"""Words in each entry, in about one of 200, and in one alone."""

NULL = "\\N"


@dataclass(frozen=True)
class Row:
    """A row before and after a change as JSON without its key, its name and its owner's."""

    label: str
    labels: str
    before: str
    after: str


@dataclass(frozen=True)
class Company:
    """What there is, ready to be drawn from."""

    rows: Sequence[Sequence[Row]]
    kind_weights: Sequence[float]
    person_weights: Sequence[float]
    size_weights: Sequence[int]

    def draw(self, draws: random.Random) -> tuple[int, int, int, int]:
        """Return the kind, the entity, the person (0: the product itself) and the entries."""
        draw = draws.random
        kind = bisect(self.kind_weights, draw() * self.kind_weights[-1])
        entity = 1 + int(ENTITIES * draw() ** 3)
        person = 0
        if draw() > 0.3:
            person = 1 + bisect(self.person_weights, draw() * self.person_weights[-1])
        return kind, entity, person, 1 + bisect(self.size_weights, draw() * 100)


def found_company(seed: int) -> Company:
    """Return the company of a seed."""
    draws = random.Random(seed)
    return Company(
        rows=[[_row(draws, number) for number in range(POOL)] for _ in KINDS],
        kind_weights=list(accumulate(1 / (n + 1) ** 1.4 for n in range(len(KINDS)))),
        person_weights=list(accumulate(1 / (n + 1) ** 1.1 for n in range(PERSONS))),
        size_weights=list(accumulate(SIZES)),
    )


def _row(draws: random.Random, number: int) -> Row:
    pick = draws.choice
    label = f"{pick(VERBS)} {pick(NOUNS)} {number}"
    description = f"{pick(VERBS)} each {pick(NOUNS)} from {pick(CITIES)}, as {pick(LAST)} asked"
    if number % 200 == 7:
        description += f", {COMMON}"
    values = (
        f'"name": "{label}", "email": "{pick(FIRST).lower()}@kestrel.example", '
        f'"description": "{description}", "city": "{pick(CITIES)}", "company": "Kestrel", '
    )
    state = '"stage": "{}", "lead_score": {}, "owner_id": {}, "is_enabled": {}'
    times = '"created_at": "2026-03-01T09:30:00+00:00", "updated_at": "2026-11-01T10:00:00+00:00"'
    owner = draws.randrange(PERSONS) + 1
    before = state.format(pick(NOUNS), draws.randrange(100), owner, "true")
    after = state.format(pick(NOUNS), draws.randrange(100), owner, "false")
    labels = f'{{"owner_id": {{"{owner}": "{person_name(owner)}"}}}}'
    return Row(label, labels, f"{values}{before}, {times}}}", f"{values}{after}, {times}}}")


def person_name(person: int) -> str:
    """Return the name of a person by number, from 1."""
    return f"{FIRST[person % len(FIRST)]} {LAST[person % len(LAST)]} {person}"
