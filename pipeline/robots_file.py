"""The answers of robots.txt files kept between runs, so that runs minutes apart ask each site once a day.

One small JSON file. It is a cache: lost, damaged or written by another version it is begun anew, and what can't be
written is asked for again. An answer is kept as the lines that concern us, and with none of them for a site without
the file; failures are not kept, for they are believed for minutes only.
"""

import json
import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

ROBOTS_NAME = "robots.json"
"""The file's name in the data folder."""

VERSION = 1
MAX_AGE = 86_400.0
"""Seconds for which an answer may be believed (RFC 9309, 2.4)."""

MAX_TEXT = 65_536
"""Characters of one answer; a longer one, which is rare, is asked for in each run."""

MAX_FILE = 16_000_000
"""Bytes of the file; the newest answers that fit are kept."""

CLOCK_SKEW = 60.0
"""Seconds by which an answer may seem to come from the future, before the clock must have been set back."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What one origin's robots.txt said to us, and when (seconds since 1970)."""

    text: str
    at: float

    def rest(self, now: float) -> float:
        """Return the seconds for which this may still be believed; 0 or less if it may not."""
        return self.at + MAX_AGE - now if self.at <= now + CLOCK_SKEW else 0.0


def read_answers(file: Path, now: float) -> dict[str, KeptAnswer]:
    """Return the answers by origin that may still be believed; none if the file is absent or of no use."""
    try:
        if file.stat().st_size > MAX_FILE:
            return {}
        data = json.loads(file.read_bytes())
        return dict(_usable(data, now))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s is begun anew: %s", file, error)
        return {}


def write_answers(file: Path, answers: Mapping[str, KeptAnswer], now: float) -> None:
    """Replace `file` by `answers` and what another session wrote there meanwhile, the newest first, up to MAX_FILE.

    Nothing is written where the folder is not there: a cache is no reason to begin one.
    """
    if not file.parent.is_dir():
        return
    merged = read_answers(file, now)
    for origin, answer in answers.items():
        if origin not in merged or merged[origin].at <= answer.at:
            merged[origin] = answer
    newest = sorted(merged.items(), key=lambda item: (-item[1].at, item[0]))
    kept: dict[str, dict[str, object]] = {}
    size = 0
    for origin, answer in newest:
        # Six bytes are the most that JSON makes of a character; an origin and a time are short.
        size += 6 * (len(answer.text) + len(origin)) + 100
        if answer.rest(now) > 0 and len(answer.text) <= MAX_TEXT and size < MAX_FILE:
            kept[origin] = {"at": round(answer.at, 3), "text": answer.text}
    try:
        _replace(file, json.dumps({"version": VERSION, "origins": kept}).encode())
    except OSError as error:
        log.warning("%s can't be written: %s", file, error.strerror)


def _usable(data: Any, now: float) -> list[tuple[str, KeptAnswer]]:
    """Raises ValueError for what we never wrote."""
    if not isinstance(data, dict) or data.get("version") != VERSION or not isinstance(data.get("origins"), dict):
        raise ValueError("it is of another version")
    found = []
    for origin, answer in data["origins"].items():
        if not isinstance(answer, dict):
            raise ValueError("an answer is no table")
        text, at = answer.get("text"), answer.get("at")
        if not isinstance(text, str) or isinstance(at, bool) or not isinstance(at, int | float):
            raise ValueError("an answer is incomplete")
        kept = KeptAnswer(text, float(at))
        if kept.rest(now) > 0:
            found.append((origin, kept))
    return found


def _replace(file: Path, content: bytes) -> None:
    """Write whole or not at all, though not to the disk at once: it is only a cache."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as temporary:
            temporary.write(content)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
