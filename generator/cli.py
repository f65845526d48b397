"""The command pgwitness: each verb is a thing that a DBA does, and a module of `commands`.

Data goes to stdout, messages to stderr. Exit 0: fine; 1: differences found; 2: bad usage or config.
"""

import click

from generator.commands.check import check
from generator.commands.evidence import evidence
from generator.commands.generate import generate
from generator.commands.guard import guard
from generator.commands.init import init
from generator.commands.maintain import maintain
from generator.commands.reconcile import reconcile
from generator.commands.render import render
from generator.commands.seal import seal
from generator.commands.status import status
from generator.commands.verify import verify


@click.group(
    context_settings={"max_content_width": 100},
    commands=[
        init,
        render,
        generate,
        check,
        maintain,
        seal,
        verify,
        evidence,
        status,
        reconcile,
        guard,
    ],
)
@click.version_option(package_name="pgwitness")
def main() -> None:
    """An audit log that PostgreSQL itself writes.

    \b
    pgwitness init --database postgresql://dba@db/shop > audit.toml
    pgwitness generate
    yoyo apply --database postgresql+psycopg://dba@db/shop migrations
    pgwitness check --database postgresql://dba@db/shop
    """
