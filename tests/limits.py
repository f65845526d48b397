"""Limits that the operating system sets to a server's processes while they run."""

from auditviewer.demo.account import run
from auditviewer.demo.cluster import Cluster


def limit(cluster: Cluster, process: int, what: str, most: int) -> None:
    """Let a process have no more than so many bytes of something, such as ``as`` or ``fsize``."""
    # As its own account: root may lack the right to.
    done = run(cluster.programs.account, ["prlimit", f"--pid={process}", f"--{what}={most}"])
    assert done.returncode == 0, done.stdout
