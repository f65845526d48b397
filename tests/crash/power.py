"""A volume that loses its power: what nobody had synced is gone, as after a real cut.

The volume is a file with an ext4 in it. What the operating system has only in memory is not in that
file yet, so a copy of it is the disk as a cut would have left it. Needs root.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crash.server import SETTINGS, Server, ended

SAFE = {"fsync": "on", "full_page_writes": "on"}


@dataclass(frozen=True)
class Volume:
    """A mounted volume, and the file that it is kept in."""

    mount: Path
    image: Path

    def sync(self) -> None:
        """Write all of it to the disk."""
        _run("sync", "-f", self.mount)

    def lose_power(self) -> None:
        """Take it back to what was on the disk, once nothing uses it any more."""
        left = self.image.with_name("left")
        _run("cp", "--sparse=always", self.image, left)
        _run("umount", self.mount)
        left.replace(self.image)
        _run("mount", "-o", "loop", self.image, self.mount)


@contextmanager
def volume() -> Iterator[Volume]:
    """Make a volume of a gigabyte, of which nothing is left in the end."""
    with tempfile.TemporaryDirectory(prefix="pgwitness-power-", dir="/var/tmp") as folder:
        made = Volume(Path(folder, "mount"), Path(folder, "disk"))
        Path(folder).chmod(0o755)
        made.mount.mkdir()
        _run("truncate", "-s", "1G", made.image)
        _run("mkfs.ext4", "-q", made.image)
        _run("mount", "-o", "loop", made.image, made.mount)
        try:
            yield made
        finally:
            _run("umount", made.mount)


@contextmanager
def server_on(disk: Volume) -> Iterator[Server]:
    """Run a server that syncs what it commits, on a volume."""
    with ended(Server(disk.mount / "cluster", SETTINGS | SAFE)) as running:
        yield running


def cut(disk: Volume, bank: Server) -> None:
    """Cut the power, and start the server on what the disk holds."""
    bank.kill()
    bank.restart(meanwhile=disk.lose_power)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True)
