"""Cutting work into batches."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield `items` in lists of `size`, the last one shorter; reads no further ahead than one batch."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch
