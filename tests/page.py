"""What a reader of a page sees: its HTML as elements, and the changes that a list of them shows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser

UNSEEN = "unseen"
"""The class of what is only read aloud."""
VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta"})

Row = tuple[str, str, str]


@dataclass
class Element:
    """An element of a page."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    inside: list["Element | str"] = field(default_factory=list)

    @property
    def classes(self) -> set[str]:
        """What it is called in the stylesheet."""
        return set(self.attributes.get("class", "").split())

    @property
    def text(self) -> str:
        """The words in it that can be seen."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for each in self.inside:
            if isinstance(each, str):
                yield each
            elif UNSEEN not in each.classes:
                yield from each._texts()

    def all(self, tag: str = "", cls: str = "") -> Iterator["Element"]:
        """Yield the elements in it of a tag and a class, in the order of the page."""
        for each in self.inside:
            if isinstance(each, Element):
                if tag in ("", each.tag) and (cls == "" or cls in each.classes):
                    yield each
                yield from each.all(tag, cls)

    def first(self, tag: str = "", cls: str = "") -> "Element":
        """Return the first such element, or an empty one."""
        return next(self.all(tag, cls), Element(""))


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, f"</{tag}> ends nothing"

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def parse(html: str) -> Element:
    """Return a page; fails where elements are not closed in order."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    assert len(parser.open) == 1, f"<{parser.open[-1].tag}> is not closed"
    return parser.open[0]


@dataclass(frozen=True)
class Listed:
    """A change in the list."""

    who: str
    when: datetime
    address: str
    kind: str
    where: str
    name: str
    link: str | None
    became: str
    said: str
    reason: str
    rows: list[Row]
    footnotes: str
    page: str

    @property
    def what(self) -> tuple[str, str, str]:
        """Type of change, where in the product, and the name of what was changed."""
        return self.kind, self.where, self.name


def read_list(html: str) -> list[Listed]:
    """Return the changes that a page lists."""
    page = parse(html)
    return [_listed(each) for each in page.all("tbody") if each.first("td", "who").tag]


def _listed(change: Element) -> Listed:
    who, what = change.first("td", "who"), change.first("th", "what")
    name = what.first(cls="name")
    links = (a.attributes["href"] for a in change.all("a") if "/changes/" in a.attributes["href"])
    return Listed(
        who=who.text.removesuffix(who.first(cls="sub").text).strip(),
        when=datetime.fromisoformat(who.first("time").attributes["datetime"]),
        address=who.first(cls="sub").text.partition(" · ")[2],
        kind=change.first("td", "kind").text.strip("+~− "),
        where=what.first(cls="where").text,
        name=name.text.removesuffix("↗").strip(),
        link=name.attributes.get("href"),
        became=what.first(cls="gone").text,
        said=change.first(cls="said").text,
        reason=change.first(cls="reason").text,
        rows=read_rows(change),
        footnotes=" ".join(foot.text for foot in change.all("tr", "foot")),
        page=next(links),
    )


def read_rows(element: Element) -> list[Row]:
    """Return label, value before and value after of each line of the two columns."""
    rows = (row for table in element.all("table", "diff") for row in table.all("tr"))
    return [
        (
            row.first("th").text,
            row.first("td", "before").first(cls="value").text,
            row.first("td", "after").first(cls="value").text,
        )
        for row in rows
        if row.first("td", "before").tag
    ]


def read_facts(html: str) -> dict[str, str]:
    """Return what the page of a change says beside its columns."""
    return {each.first("dt").text: each.first("dd").text for each in _facts(parse(html))}


def _facts(page: Element) -> Iterator[Element]:
    return (each for facts in page.all("dl", "facts") for each in facts.all("div"))


def links_named(page: Element, words: str) -> list[str]:
    """Return where the links lead whose text begins with some words."""
    return [a.attributes["href"] for a in page.all("a") if a.text.startswith(words)]
