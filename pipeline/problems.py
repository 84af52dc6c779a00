"""What an operator should know of: one record for `clampdown status`, the health endpoint, metrics and alerts."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ProblemKind(StrEnum):
    """What sort of thing is wrong."""

    FLOW_LATE = "flow_late"
    FLOW_FAILED = "flow_failed"
    AUDIT_FAILED = "audit_failed"
    DISK_LOW = "disk_low"
    PART_DOWN = "part_down"
    SOURCES_UNREACHABLE = "sources_unreachable"
    FILES_UNREADABLE = "files_unreadable"
    SOURCE_SILENT = "source_silent"
    SOURCE_FAILING = "source_failing"
    SOURCE_GONE = "source_gone"
    NOTHING_RAN = "nothing_ran"
    ALERTS_UNDELIVERED = "alerts_undelivered"
    MAIL_STUCK = "mail_stuck"
    MAIL_UNKNOWN = "mail_unknown"
    MAIL_LOST = "mail_lost"


class Severity(StrEnum):
    """An error means that news are missed, or soon will be; a warning means that somebody should look some day."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, `since` when (UTC; None where that is not known), in words for people.

    `words` is one sentence without its full stop, `hint` what to do next. `subject` is the flow or source it is about.
    """

    kind: ProblemKind
    since: datetime | None
    words: str
    hint: str | None = None
    subject: str = ""
    severity: Severity = Severity.ERROR

    @property
    def key(self) -> str:
        """What stays the same as long as it is the same problem, whatever its words say meanwhile."""
        return f"{self.kind}:{self.subject}" if self.subject else self.kind.value
