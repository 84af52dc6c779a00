"""What was costly to work out, kept while it is asked for and there is room."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class _Slot:
    """A value that one thread makes while the others that want it wait."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made = False
        self.value: Any = None


class Memory:
    """Values by key, made once however many ask at a time; the least lately used go where their weights are too much.

    A value that alone weighs more than a quarter of the whole is not kept.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._lock = threading.Lock()
        self._slots: OrderedDict[object, _Slot] = OrderedDict()
        self._weights: dict[object, int] = {}

    def get(self, key: object, make: Callable[[], T], weigh: Callable[[T], int] = lambda _: 1) -> T:
        """The value of that key, or what `make` makes, which may ask for other keys. Its errors are not kept."""
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
        with slot.lock:
            if not slot.made:
                try:
                    slot.value = make()
                except BaseException:
                    self._forget(key, slot)
                    raise
                slot.made = True
                self._weigh(key, slot, weigh(slot.value))
            value: T = slot.value
            return value

    def _weigh(self, key: object, slot: _Slot, weight: int) -> None:
        with self._lock:
            if self._slots.get(key) is not slot:
                return
            if weight > self._room // 4:
                del self._slots[key]
                return
            self._weights[key] = weight
            while sum(self._weights.values()) > self._room:
                oldest = next(one for one in self._slots if one in self._weights)
                del self._slots[oldest], self._weights[oldest]

    def _forget(self, key: object, slot: _Slot) -> None:
        with self._lock:
            if self._slots.get(key) is slot:
                del self._slots[key]
                self._weights.pop(key, None)
