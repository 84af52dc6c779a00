"""What is called how in the data folder, for those who need no more of it than a name, and where it may be."""

import os
from pathlib import Path
from typing import Final

from pipeline.errors import ArchiveError

WAREHOUSE_NAME: Final = "warehouse.duckdb"
ARCHIVE_NAME: Final = "archive"
PUBLISHED_NAME: Final = "published"
SAMPLE_DATA: Final = "sample-data"
"""The data folder of `clampdown run --sample`, in the folder where that was run."""


def way_to_data(published: Path) -> str:
    """What to do where nothing is published at `published`, the folder or the file below it."""
    folder = next(
        (place.parent for place in (published, *published.parents) if place.name == PUBLISHED_NAME), published
    )
    if folder.exists() and not folder.is_dir():
        return f"{folder} is a file: give the data folder, with -d before the command."
    if folder.name == PUBLISHED_NAME or _is_data(folder.parent):
        return f"Give the data folder itself: -d {folder.parent}"
    if (folder / WAREHOUSE_NAME).exists():
        return "`clampdown run` publishes it anew."
    if _is_data(Path(SAMPLE_DATA)):
        return f"For the sample, write `clampdown -d {SAMPLE_DATA} …`; `clampdown run` publishes one of your feeds."
    return "`clampdown run` publishes one; `clampdown run --sample` one to try out, in sample-data."


def _is_data(folder: Path) -> bool:
    return (folder / PUBLISHED_NAME).is_dir() and (folder / WAREHOUSE_NAME).is_file()


def require_writable(folder: Path) -> None:
    """Raise ArchiveError where the data folder can't be made or written to, whoever owns it."""
    at = folder.absolute()
    while not at.exists() and at != at.parent:
        at = at.parent
    if not at.is_dir():
        raise ArchiveError(
            f"{folder}: {at} is a file, no folder", hint="Give another folder, with -d before the command."
        )
    if not os.access(at, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise ArchiveError(
            f"{folder}: can't be written to", hint=f"{_owner(at)}Give another folder with -d, or mend that."
        )


def _owner(folder: Path) -> str:
    try:
        import pwd  # which Windows lacks

        owner, me = folder.owner(), pwd.getpwuid(os.geteuid()).pw_name
    except (OSError, KeyError, ImportError):
        return ""
    return f"{folder} is {owner}'s, and you are {me}. " if owner != me else f"{folder} is read-only. "
