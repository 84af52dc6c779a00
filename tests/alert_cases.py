"""Troubles to tell of, and where they are."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.problems import Problem, ProblemKind, Severity
from reports.alert_text import Place

START = datetime(2026, 11, 22, 3, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LATE = Problem(ProblemKind.FLOW_LATE, START, "no ingest has finished for more than 60 min", "Start it.", "ingest")
AUDIT = Problem(ProblemKind.AUDIT_FAILED, START, "the audit found something wrong: quotes", "`clampdown audit`")
SILENT = Problem(
    ProblemKind.SOURCE_SILENT, START, "The Gazette has fallen silent", "Look.", "gazette", Severity.WARNING
)
FAILING = Problem(ProblemKind.SOURCE_FAILING, START, "The Herald has failed", None, "herald", Severity.WARNING)
HERE = Place("clampdown", "web1", "/srv/clampdown", ZoneInfo("Europe/Berlin"))
HOSTILE = 'x\r\nBcc: all@example.org\x1b[2J\u202e <script>alert(1)</script> @everyone <!channel> "\\'
