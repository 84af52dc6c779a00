"""What was costly to work out, kept while it is asked for and there is room."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Shelf(Generic[T]):
    """Values by key, of a weight each; the least lately used go where their weights are more than there is room for.

    A value that alone weighs more than a quarter of that is not kept.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._weight = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[object, tuple[T, int]] = OrderedDict()

    def find(self, key: object) -> tuple[T] | None:
        """The value of that key, alone in a tuple; None where there is none."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return (self._kept[key][0],)

    def put(self, key: object, value: T, weight: int = 1) -> None:
        """Keep a value, in place of what had its key."""
        if weight > self._room // 4:
            return
        with self._lock:
            if key in self._kept:
                self._weight -= self._kept.pop(key)[1]
            self._kept[key] = (value, weight)
            self._weight += weight
            while self._weight > self._room:
                self._weight -= self._kept.popitem(last=False)[1][1]


class _Making:
    """A value that one thread makes while the others that want it wait."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made: tuple[Any] | None = None


class Memory:
    """A shelf whose values are made when they are first asked for, once however many ask at a time."""

    def __init__(self, room: int) -> None:
        self._shelf = Shelf[Any](room)
        self._lock = threading.Lock()
        self._making: dict[object, _Making] = {}

    def get(self, key: object, make: Callable[[], T], weigh: Callable[[T], int] = lambda _: 1) -> T:
        """The value of that key, or what `make` makes, which may ask for other keys. Its errors are not kept."""
        with self._lock:
            found: tuple[T] | None = self._shelf.find(key)
            if found is not None:
                return found[0]
            making = self._making.setdefault(key, _Making())
        with making.lock:
            if making.made is None:
                try:
                    making.made = (make(),)
                    self._shelf.put(key, making.made[0], weigh(making.made[0]))
                finally:
                    with self._lock:
                        self._making.pop(key, None)
            value: T = making.made[0]
            return value
