"""Loops at every depth of the stack: none of them asks the operating system for memory."""

import resource
import sys
from collections.abc import Callable

import pytest

from reconciler.stack import with_room

CALLS = 2_000


def faults_of_a_loop() -> int:
    """Call a function often; count the pages of memory that this touches for the first time."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(CALLS):
        nothing(*range(9))
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def nothing(a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: int, i: int) -> None:
    """A frame of some slots."""


def at_depth(depth: int, function: Callable[[], int]) -> int:
    return function() if depth == 0 else at_depth(depth - 1, function)


def worst() -> int:
    return max(at_depth(depth, faults_of_a_loop) for depth in range(300))


def test_no_loop_takes_memory_at_each_call() -> None:
    assert with_room(worst) < CALLS / 10


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="3.13 keeps a chunk at hand")
def test_without_room_some_loop_does() -> None:
    """The instrument itself."""
    assert worst() >= CALLS / 2


def test_arguments_and_errors_pass() -> None:
    assert with_room(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        with_room(divmod, 7, 0)
