"""Which of several writers to one warehouse reads which source."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Writer:
    """Writer `number` of `of` to a shared warehouse. Number 0 is a guest: it may decide, and owns no source."""

    number: int = 1
    of: int = 1

    def owns(self, url: str) -> bool:
        """Whether the source whose feed is at `url` is this writer's to poll and read.

        Each source has one owner, and all sources of one site have the same: only who asks a publisher alone can keep
        the gap between two requests. The owner changes when the number of writers does, and with nothing else.
        """
        # Imported here: who only reads a warehouse takes no links apart.
        from pipeline.urls import site_of

        site = site_of(url) or url
        return int.from_bytes(hashlib.sha256(site.encode()).digest()[:8], "big") % self.of + 1 == self.number

    @property
    def suffix(self) -> str:
        """What ends the ids of its runs: two writers may begin in the same microsecond."""
        return f"-w{self.number}"
