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

    `since` is one of these, or the path of a `manifest.json` or `datapackage.json`: then it is the number of changes
    that the earlier snapshot had. Raises InputError where such a file can't be read.
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
    if moment is None:
        return text
    return text if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None).isoformat()


def _of_manifest(path: Path) -> str | int:
    try:
        if path.name == "datapackage.json":
            path = path.with_name("manifest.json")
        manifest = json.loads(path.read_text("utf-8"))
        counts = manifest["counts"]
        return int(counts["changes"]) if "changes" in counts else str(manifest["published_at"]).partition("+")[0]
    except OSError as error:
        raise InputError(f"can't read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no manifest of a snapshot", hint="It lies beside the published file.") from error
