"""Since when: a run, a day or time, a place in the log of changes, or the manifest of an earlier snapshot."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import InputError

_POSITION = re.compile(r"\d{1,18}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}.*")  # and not the id of a run, which is a time without hyphens


def resolve_since(since: str) -> str | int:
    """What the snapshot's log of changes is asked with: a run's id, a UTC time, or a position in it.

    `since` is one of these, or the path of a `manifest.json` or `datapackage.json`: then it is the time at which that
    snapshot was published, after the end of its run. Raises InputError where such a file can't be read.
    """
    text = since.strip()
    if text.lower().endswith(".json"):
        return _of_manifest(Path(text))
    if _POSITION.fullmatch(text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
    except ValueError:
        raise InputError(f"{text} is no day or time", hint="Write 2026-11-22 or 2026-11-22T10:30:00Z.") from None
    return text if moment is None else _in_utc(moment)


def _in_utc(moment: datetime) -> str:
    return (moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)).isoformat(" ")


def _of_manifest(path: Path) -> str:
    try:
        if path.name == "datapackage.json":
            path = path.with_name("manifest.json")
        published = json.loads(path.read_text("utf-8"))["published_at"]
        return _in_utc(datetime.fromisoformat(published))
    except OSError as error:
        raise InputError(f"can't read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no manifest of a snapshot", hint="It lies beside the published file.") from error
