"""How a command is told which audit.toml, and reads it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from generator.config import Config
from generator.connecting import problems
from generator.parse import read_config

Command = TypeVar("Command", bound=Callable[..., Any])


def config_option(command: Command) -> Command:
    """Add the option --config, which a command gets as *path*."""
    option = click.option(
        "-c",
        "--config",
        "path",
        type=click.Path(path_type=Path, dir_okay=False),
        default=Path("audit.toml"),
        show_default=True,
        help="The configuration.",
    )
    return option(command)


def read(path: Path) -> Config:
    """Read audit.toml; what is wrong with it is a message and exit 2."""
    with problems():
        return read_config(path)
