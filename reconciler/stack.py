"""Room for the frames of nested calls, in one piece.

CPython 3.11 and 3.12 keep the frames of a thread in chunks of 16 KiB. A chunk is given back to the
operating system as soon as the frame for which it was taken ends. So a loop whose calls begin
exactly at the end of a chunk asks for memory at every call, which made the rows of a page up to
seven times as expensive. Which loop that is depends on nothing but how deep it stands in the
stack. See CPython's issue 142183; later versions keep a chunk at hand.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

Returned = TypeVar("Returned")
#: A frame of so many slots does not fit a chunk of 128 KiB. CPython takes one of 256 KiB, and about
#: 120 KiB of it are left for the frames of the calls within.
SLOTS = 16_000


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


_roomy = FunctionType(_call.__code__.replace(co_stacksize=SLOTS), globals())


def with_room(function: Callable[..., Returned], *arguments: Any) -> Returned:
    """Call a function, so that the frames of all calls within share a chunk."""
    returned: Returned = _roomy(function, *arguments)
    return returned
