"""What came of asking for digests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipeline.errors import ArchiveError


class DigestState(StrEnum):
    """What came of asking for a digest. QUIET: one that is made at once has nothing to tell."""

    MADE = "made"
    DONE = "done"
    NOT_DUE = "not due"
    QUIET = "quiet"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DigestReport:
    """The digest that was made, or the one that had been made for the occasion; `files` are its pages and its record.

    Where none is due, `files` is empty and `day` that of the latest occasion. `next_at` is when the next one is due,
    None for one that is made at once. `news` counts its items, `partial` says that sources could not be read; `mails`
    were put into the outbox, `unsent` could not be, each address with the reason. `error` says why it FAILED.
    """

    state: DigestState
    day: date
    next_at: datetime | None
    subscription: str
    number: int | None = None
    subject: str = ""
    news: int = 0
    partial: bool = False
    files: tuple[Path, ...] = ()
    mails: int = 0
    unsent: tuple[tuple[str, str], ...] = ()
    error: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """The figures, for the flow log."""
        return {
            "state": self.state.value,
            "day": self.day.isoformat(),
            "number": self.number,
            "subject": self.subject,
            "news": self.news,
            "partial": self.partial,
        }


def require_made(reports: Sequence[DigestReport]) -> None:
    """Raise ArchiveError where one of the digests could not be made."""
    if failed := [report for report in reports if report.state is DigestState.FAILED]:
        others = f" (and {len(failed) - 1} more)" if failed[1:] else ""
        raise ArchiveError(f"the digest of {failed[0].subscription}{others} can't be made: {failed[0].error}")
