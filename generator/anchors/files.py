"""Anchors in files, a line for each; a line is added, and none is ever changed."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from generator.anchors.anchor import Anchor, AnchorProblem, Known, Log, parse
from generator.config import ConfigError

_BLOCK = 65536


def read_all(paths: Iterable[Path], tell: Callable[[str], object]) -> list[Anchor]:
    """Return the anchors of files, and of the files in folders; *tell* which lines are none.

    Raises ConfigError where none is one, and OSError.
    """
    anchors: list[Anchor] = []
    problems: list[str] = []
    for file in (file for path in paths for file in _files(path)):
        for number, line in enumerate(file.read_bytes().splitlines(), start=1):
            try:
                anchors += [parse(line, f"{file}:{number}")] if line.strip() else []
            except AnchorProblem as problem:
                problems.append(str(problem))
    if problems and not anchors:
        raise ConfigError(problems[:1])
    for told in problems:
        tell(f"{told}: left out")
    return anchors


@dataclass(frozen=True)
class File:
    """A file that lines are added to."""

    path: Path

    def newest_first(self, log: Log) -> Iterator[Known]:
        """Yield what is known of a log, from the last line on. Raises AnchorProblem.

        A line that is none was cut off: its seal is not known here, and will come again.
        """
        try:
            with self.path.open("rb") as opened:
                for line in _lines_backwards(opened):
                    with suppress(AnchorProblem):
                        anchor = parse(line, str(self.path))
                        if anchor.log == log:
                            yield anchor.seal.known
        except FileNotFoundError:
            return
        except OSError as error:
            raise AnchorProblem(f"{self.path}: can't be read: {error.strerror}") from None

    def add(self, anchors: Sequence[Anchor]) -> None:
        """Add a line for each, and let nothing be lost. Raises AnchorProblem."""
        text = "".join(f"{anchor.line()}\n" for anchor in anchors)
        if not text:
            return
        try:
            # A line that a full disk cut off must not swallow the next one.
            with self.path.open("ab+") as opened:
                if opened.tell() and not _ends_a_line(opened):
                    text = f"\n{text}"
                opened.write(text.encode())
                opened.flush()
                os.fsync(opened.fileno())
        except FileNotFoundError:
            raise AnchorProblem(f"{self.path}: has no folder yet – make it") from None
        except OSError as error:
            raise AnchorProblem(f"{self.path}: can't be added to: {error.strerror}") from None


def _files(path: Path) -> list[Path]:
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def _lines_backwards(file: BinaryIO) -> Iterator[bytes]:
    end, rest = file.seek(0, os.SEEK_END), b""
    while end:
        begin = max(0, end - _BLOCK)
        file.seek(begin)
        rest, *lines = (file.read(end - begin) + rest).split(b"\n")
        yield from reversed(lines)
        end = begin
    yield rest


def _ends_a_line(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
