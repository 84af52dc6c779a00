"""Which entries a run takes next, while others of the same run are still on their way."""

import threading
from collections.abc import Iterable, Iterator

from flows.house import House
from pipeline.types import PendingEntry


class DueEntries:
    """Batches of due entries. An iterator for one thread; `conclude` may be called from another.

    No batch holds an entry whose article another batch is about to bring: it waits until that one is stored, so that
    no page is fetched twice.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._urls: dict[str, str] = {}
        self._has_begun = False
        self._stored = threading.Condition()

    def __iter__(self) -> Iterator[list[PendingEntry]]:
        return self

    def __next__(self) -> list[PendingEntry]:
        """Return the next batch, `run.batch_size` entries at most. Waits while all that is left is on its way.

        There is one batch at least, however little time the run has: so each run gets on.
        """
        if self._has_begun and self._house.enough():
            raise StopIteration
        self._has_begun = True
        limit = self._house.settings.run.batch_size
        while True:
            with self._stored:
                under_way = dict(self._urls)
            found = self._house.warehouse.pending(self._house.started_at, limit + len(under_way))
            urls = set(under_way.values())
            batch = [item for item in found if item.entry.canonical_url not in urls][:limit]
            if batch:
                with self._stored:
                    self._urls |= {item.entry.id: item.entry.canonical_url for item in batch}
                return batch
            with self._stored:
                if not self._urls:
                    raise StopIteration
                if self._urls == under_way:
                    self._stored.wait()

    def conclude(self, entry_ids: Iterable[str]) -> None:
        """Note that these entries have their outcome in the warehouse."""
        with self._stored:
            for entry_id in entry_ids:
                self._urls.pop(entry_id, None)
            self._stored.notify_all()
