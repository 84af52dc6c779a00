"""Logs on standard error: lines that read well, or JSON. One record is one line or begins one, and holds no secret.

A process calls `set_up` once; `about` says what it works on. What others' libraries log below a warning is left out
unless `log.level` is "debug". Under systemd's journal, which has a clock of its own, lines begin with their priority.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TextIO
from urllib.parse import urlsplit

from pipeline.secrets import masked

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.settings_sections import LogSettings

__all__ = ["Masking", "StandardError", "about", "hide", "only_ours", "secrets_of", "set_up"]

OURS: Final = ("pipeline", "extractors", "warehouse", "reports", "flows", "clampdown")
"""The loggers that are ours."""

SHORTEST_SECRET: Final = 4
"""Characters. What is shorter is found in ordinary words, and hiding it everywhere would tell what it is."""

HIDDEN: Final = "***"
LONGEST_FOREIGN: Final = 300
"""Characters of what others say that are shown; JSON has it whole."""

WHO_WIDTH: Final = 8
PRIORITIES: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
"""What the journal calls these levels."""
COLOURS: Final = {"debug": "2", "warning": "33", "error": "31", "critical": "1;31"}

_FOR_US = ("prefect.flow_runs", "prefect.task_runs")
_CREDENTIAL = re.compile(
    r"(?i)(\bauthorization['\"]?\s*[:=]\s*['\"]?(?:basic|bearer|token)?|\b(?:api[_-]?key|token|secret)['\"]?\s*[:=])"
    r"(\s*['\"]?)[^\s'\",;&]+"
)
_SECRET_VARIABLES = (
    "PREFECT_API_KEY",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_SERVER_API_AUTH_STRING",
    "PREFECT_SERVER_DATABASE_PASSWORD",
    "PREFECT_API_DATABASE_PASSWORD",
    "PGPASSWORD",
)


@dataclass(slots=True)
class _Process:
    """What this process is, for its log lines: the standard library's configuration is one per process, too."""

    who: str = ""
    run: str = ""
    style: str = "text"
    terse: bool = False
    foreign: int = logging.WARNING
    secrets: tuple[str, ...] = ()


_process = _Process(style=os.environ.get("CLAMPDOWN_LOG__FORMAT", "text"))


def set_up(settings: "LogSettings", *, who: str = "", least: str | None = None) -> None:
    """Log on standard error as the settings say. `who` names this process in each line.

    Without it a line is for the person at the terminal: a level and the words, no time. `least` takes the place of
    `log.level`. May be called again. Handlers that others have put on the root logger stay.
    """
    level = (least or settings.level).upper()
    _process.who, _process.style, _process.terse = who, settings.format, not who
    _process.foreign = logging.NOTSET if level == "DEBUG" else logging.WARNING
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, StandardError)]:
        root.removeHandler(handler)
    root.addHandler(StandardError())
    for name in OURS:
        # What the root logger leaves out by itself needs no level of our own, which others might have set.
        logging.getLogger(name).setLevel(logging.NOTSET if level == "WARNING" else level)


def hide(secrets: Iterable[str]) -> None:
    """Put *** in the place of these words from now on, wherever a log line holds them."""
    known = {*_process.secrets, *(secret for secret in secrets if len(secret) >= SHORTEST_SECRET)}
    # One secret may be a part of another.
    _process.secrets = tuple(sorted(known, key=lambda secret: (-len(secret), secret)))


def secrets_of(settings: "Settings", environ: Mapping[str, str]) -> list[str]:
    """What the settings and the environment hold or point at that nobody else should read."""
    names = [settings.mail.password_env, settings.extract.llm.key_env, *_SECRET_VARIABLES]
    found = [environ.get(name, "") for name in names if name]
    if settings.mail.password_file is not None:
        try:
            found.append(settings.mail.password_file.read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError):
            # Who sends mail says that it can't be read.
            pass
    if settings.alerts.webhook:
        # Chat services take the path of a webhook for its password.
        parts = urlsplit(settings.alerts.webhook)
        found += [parts.path.strip("/"), parts.query]
    return [secret for secret in found if secret]


def only_ours() -> None:
    """Leave out from now on what libraries of others log: this process is told to end, which they call an error."""
    _process.foreign = logging.CRITICAL + 1


@contextmanager
def about(who: str, run: str = "") -> Iterator[None]:
    """Name what this process works on in the lines that it logs meanwhile: a flow, and its run."""
    before = _process.who, _process.run
    _process.who, _process.run = who, run
    try:
        yield
    finally:
        _process.who, _process.run = before


class Masking(logging.Filter):
    """Takes secrets out of records, tracebacks too, whatever formats them afterwards."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; it always passes."""
        try:
            words = record.getMessage()
        except Exception:
            # Arguments that don't fit: the standard library would print them, secrets and all, in a traceback.
            words = f"{record.msg} {record.args!r}"
        record.msg, record.args = _hidden(words), None
        if record.exc_info and not record.exc_text:
            record.exc_text = _PLAIN.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = _hidden(record.exc_text)
        return True


def _hidden(text: str) -> str:
    text = _CREDENTIAL.sub(rf"\g<1>\g<2>{HIDDEN}", masked(text))
    for secret in _process.secrets:
        text = text.replace(secret, HIDDEN)
    return text


_PLAIN = logging.Formatter()


class StandardError(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stderr` is at that moment: progress bars and tests put something else there."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.addFilter(Masking())
        self.setFormatter(_Lines())

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # the standard library's own handler for stderr does the same
        """Standard error."""
        return sys.stderr

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be written: libraries of others are heard when they warn."""
        ours = record.name.partition(".")[0] in OURS
        return (ours or record.levelno >= _process.foreign) and bool(super().filter(record))


class _Lines(logging.Formatter):
    """Each record as a line for people, or as JSON. Masking comes first: it has put tracebacks into words."""

    def format(self, record: logging.LogRecord) -> str:
        return _json(record) if _process.style == "json" else _text(record)


def _json(record: logging.LogRecord) -> str:
    told: dict[str, object] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "message": record.getMessage(),
        "logger": record.name,
        "who": _process.who,
        "run": _process.run,
        "pid": record.process,
    }
    if record.exc_text:
        told["error"] = type(record.exc_info[1]).__name__ if record.exc_info and record.exc_info[1] else ""
        told["traceback"] = record.exc_text
    return json.dumps({key: value for key, value in told.items() if value not in ("", None)})


def _text(record: logging.LogRecord) -> str:
    level, words = record.levelname.lower(), _words(record)
    if _process.terse:
        return f"{_coloured(level)}: {words}"
    who = _process.who.ljust(WHO_WIDTH)
    if _to_journal():
        # For the journal each line is a record, with a priority of its own.
        priority = f"<{PRIORITIES.get(level, 6)}>"
        return "\n".join(priority + line for line in f"{who} {words}".split("\n"))
    moment = datetime.fromtimestamp(record.created, UTC).astimezone().isoformat(" ", timespec="seconds")
    return f"{moment} {_coloured(level, width=7)} {who} {words}"


def _words(record: logging.LogRecord) -> str:
    """What is said: by us with tracebacks; by others in a line, as nobody who reads ours can mend their insides.

    What happens in our flows is ours, too: there Prefect speaks for us.
    """
    said, error = record.getMessage(), record.exc_info[1] if record.exc_info else None
    ours = record.name.partition(".")[0] in OURS
    if not ours:
        said = f"{record.name}: {said}"
    if ours or record.name.startswith(_FOR_US) or _process.foreign == logging.NOTSET:
        return _shown(f"{said}\n{record.exc_text}" if record.exc_text else said)
    if error is not None:
        reason = _hidden(str(error)).partition("\n")[0]
        said = f"{said.strip().rstrip(':')}: {type(error).__name__}: {reason}"
    words = " ".join(_escaped(line.strip()) for line in said.splitlines())
    return words if len(words) <= LONGEST_FOREIGN else words[:LONGEST_FOREIGN] + "…"


def _coloured(level: str, width: int = 0) -> str:
    colour = COLOURS.get(level)
    plain = level.ljust(width)
    if colour is None or "NO_COLOR" in os.environ or not sys.stderr.isatty():
        return plain
    return f"\x1b[{colour}m{plain}\x1b[0m"


def _shown(words: str) -> str:
    """Words that can neither steer a terminal nor pass for a line of their own, whoever wrote them."""
    return "\n    ".join(_escaped(line) for line in words.splitlines())


def _escaped(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(
        one if one.isprintable() or one == "\t" else one.encode("unicode_escape").decode("ascii") for one in line
    )


def _to_journal() -> bool:
    """Whether standard error is systemd's journal: it names the file that it reads."""
    named = os.environ.get("JOURNAL_STREAM")
    if not named:
        return False
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{status.st_dev}:{status.st_ino}"
