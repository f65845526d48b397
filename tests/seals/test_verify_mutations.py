"""Each change of a sealed log is found and named right, whatever it is: none is unseen."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from auditviewer.demo.cluster import Cluster
from tests.seals.mutations import OF_ENTRIES, Mutation
from tests.seals.mutations_of_blocks import OF_BLOCKS
from tests.seals.mutations_of_seals import OF_SEALS
from tests.seals.sealed import Found, SealedLog, sealed_log

Mutations = Callable[[SealedLog], Iterator[Mutation]]
GROUPS: list[Mutations] = [*OF_ENTRIES, *OF_BLOCKS, *OF_SEALS]


@pytest.fixture(scope="module")
def log(cluster: Cluster, reference_template: Any) -> Iterator[SealedLog]:
    with sealed_log(cluster, reference_template) as log:
        yield log


def named_wrongly(log: SealedLog, mutations: Mutations) -> dict[str, tuple[Found, Found]]:
    """Return what was found for each mutation, and what should have been, where these differ."""
    named = {m.name: (log.found_after(*m.statements), m.expected) for m in mutations(log)}
    assert named
    return {name: both for name, both in named.items() if both[0] != both[1]}


def test_nothing_is_found_in_a_log_as_it_was_sealed(log: SealedLog) -> None:
    assert log.found_after() == set()


@pytest.mark.parametrize("mutations", GROUPS, ids=lambda group: group.__name__)
def test_each_mutation_is_found_and_named(log: SealedLog, mutations: Mutations) -> None:
    assert named_wrongly(log, mutations) == {}


def test_there_are_mutations_enough(log: SealedLog) -> None:
    named = [m.name for group in GROUPS for m in group(log)]
    assert len(named) >= 500
