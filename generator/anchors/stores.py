"""Anchors in object stores, an object for each; one is added, and none is ever changed.

What a store is, and how it is reached, fsspec knows.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from generator.anchors.anchor import Anchor, AnchorProblem, Known, Log

T = TypeVar("T")

_NAME = re.compile(r"(?P<number>\d{12})-(?P<identity>\d+-\d+-\d+)-(?P<head>[0-9a-f]+)\.json")
_FOLDER = 9
"""Digits of a number that its folder has, for a thousand: so the newest need two requests."""


@dataclass(frozen=True)
class Store:
    """A URL under which objects are."""

    url: str

    def newest_first(self, log: Log) -> Iterator[Known]:
        """Yield what is known of a log, the greatest numbers first. Raises AnchorProblem."""
        for folder in self._ask(partial(_list, self.url, log, "")):
            for name in self._ask(partial(_list, self.url, log, folder)):
                if found := _NAME.fullmatch(name):
                    identity = found["identity"].replace("-", "/")
                    yield Known(int(found["number"]), found["head"], identity)

    def add(self, anchors: Sequence[Anchor]) -> None:
        """Add an object for each. Raises AnchorProblem."""
        self._ask(partial(_add, self.url, anchors))

    def _ask(self, what: Callable[[], T]) -> T:
        """Call the store. Whatever its library raises, without a common base, is one problem."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            done = pool.submit(what)
            problem = done.exception()
        if isinstance(problem, ImportError):
            raise AnchorProblem(f"{self.url}: {problem} – run: pip install 'pgwitness[anchors]'")
        if problem is not None:
            raise AnchorProblem(f"{self.url}: {problem or type(problem).__name__}")
        return done.result()


def _open(url: str, log: Log) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    store, path = url_to_fs(url)
    return store, f"{path.rstrip('/')}/{log.source}/{log.database}"


def _list(url: str, log: Log, folder: str) -> list[str]:
    store, root = _open(url, log)
    store.invalidate_cache()
    try:
        paths = store.ls(f"{root}/{folder}".rstrip("/"), detail=False)
    except FileNotFoundError:
        return []
    return sorted((path.rstrip("/").rpartition("/")[2] for path in paths), reverse=True)


def _add(url: str, anchors: Sequence[Anchor]) -> None:
    for anchor in anchors:
        store, root = _open(url, anchor.log)
        seal = anchor.seal
        name = f"{seal.number:012}-{seal.identity.replace('/', '-')}-{seal.head}.json"
        folder = f"{root}/{name[:_FOLDER]}"
        store.makedirs(folder, exist_ok=True)
        # Where another run was quicker, its name says all that is in it.
        with suppress(FileExistsError):
            store.pipe_file(f"{folder}/{name}", f"{anchor.line()}\n".encode(), mode="create")
