"""What the machine or a slip of the hand led to: other people's exceptions in one line each, with the way out.

Last resort of `clampdown.main`. Where an error can be told more exactly, it is told where it happens, as one of
`pipeline.errors`.
"""

import codecs
import errno
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import ClampdownError

_BEFORE = {"-d": "-d FOLDER", "--data-dir": "--data-dir FOLDER", "-c": "-c FILE", "--config": "--config FILE"}
"""The options that stand before the command."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM)
_FILES = (errno.EMFILE, errno.ENFILE)

_PLAIN = str.maketrans(
    {
        "–": "-",
        "—": "-",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "…": "...",
        "→": "->",
        "·": "*",
        "•": "*",
        "×": "x",
        "≤": "<=",
        "≥": ">=",
        "\xa0": " ",
    }
)
PLAIN = "clampdown_plain"


class NotSupported(ClampdownError):
    """This system is none on which Clampdown runs."""

    exit_code = 2


def explained(error: BaseException) -> ClampdownError | None:
    """The same as an error of ours, or None where it is a fault of the program and deserves its traceback."""
    match error:
        case UnicodeEncodeError():
            return ClampdownError(
                f"the output's encoding, {error.encoding}, has no place for {error.object[error.start]!r}",
                hint="Set PYTHONIOENCODING=utf-8, or a locale of UTF-8 such as LC_ALL=C.UTF-8.",
            )
        case MemoryError():
            return _memory("out of memory")
        case RuntimeError() if "can't start new thread" in str(error):
            return _memory("no further thread can be started")
        case OSError():
            return _of_the_system(error)
    return None


def _of_the_system(error: OSError) -> ClampdownError | None:
    where = f"{error.filename}: " if error.filename is not None else ""
    said = f"{where}{error.strerror or error}"
    if error.errno in _FULL:
        return ClampdownError(said, hint=f"{room()} Make room, then run it again: what was committed is there.")
    if error.errno in _FILES:
        return ClampdownError(
            f"{said}: this process may open too few",
            hint="`ulimit -n 4096` allows more; `clampdown doctor` says how many.",
        )
    if error.errno == errno.EROFS:
        return ClampdownError(said, hint="Give a folder that can be written to, with -d FOLDER before the command.")
    if error.errno in _NOT_ALLOWED:
        return ClampdownError(said, hint=f"{_whose(error.filename)}Run as its owner, or give another folder with -d.")
    if error.errno == errno.ENOMEM:
        return _memory(said)
    return None


def _memory(what: str) -> ClampdownError:
    return ClampdownError(
        what,
        hint="Set workers.processes = 1 and workers.memory_mb lower, or look at `ulimit -v` and the container's limit.",
    )


def room(folder: Path | None = None) -> str:
    """How much room there is where temporary files go, or in `folder`, as a sentence."""
    import shutil

    folder = folder or Path(tempfile.gettempdir())
    try:
        return f"{folder} has {shutil.disk_usage(folder).free / 1e6:,.0f} MB free."
    except OSError:
        return f"{folder} can't be looked at."


def _whose(path: object) -> str:
    """Who owns the nearest folder that is there, and who we are."""
    try:
        import pwd

        at = Path(os.fsdecode(path)) if isinstance(path, str | bytes | os.PathLike) else Path()
        while not at.exists() and at != at.parent:
            at = at.parent
        owner, me = pwd.getpwuid(at.stat().st_uid).pw_name, pwd.getpwuid(os.geteuid()).pw_name
    except (OSError, KeyError, ImportError):
        return ""
    return f"{at} is {owner}'s, and you are {me}. " if owner != me else ""


def misplaced(arguments: Sequence[str]) -> str | None:
    """The way out where options that stand before the command were written after it, or None."""
    command = _place_of_command(arguments)
    if command is None:
        return None
    for word in arguments[command + 1 :]:
        if word.partition("=")[0] in _BEFORE:
            return (
                f"{word} stands before the command: clampdown {_BEFORE[word.partition('=')[0]]} {arguments[command]} …"
            )
    return None


def _place_of_command(arguments: Sequence[str]) -> int | None:
    is_value = False
    for place, word in enumerate(arguments):
        if not is_value and not word.startswith("-"):
            return place
        is_value = not is_value and word in _BEFORE
    return None


def require_system(platform: str = sys.platform) -> None:
    """Raise NotSupported on Windows, before something fails there that says nothing."""
    if platform in ("win32", "cygwin"):
        raise NotSupported(
            "Clampdown does not run on Windows: it needs the locks and worker processes of Linux or macOS",
            hint="In WSL 2 or a container with Linux it runs as it does elsewhere.",
        )


def ready_streams() -> None:
    """Let nothing that is printed fail for a terminal without Unicode: dashes and quotes get plain, the rest is `?`."""
    codecs.register_error(PLAIN, _in_plain)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and not is_unicode(getattr(stream, "encoding", None)):
            reconfigure(errors=PLAIN)


def is_unicode(encoding: str | None) -> bool:
    """Whether all text can be written in this encoding; what has none, such as a StringIO, takes all."""
    return encoding is None or encoding.lower().replace("_", "-").startswith("utf")


def _in_plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end].translate(_PLAIN)
    return "".join(char if char.isascii() else "?" for char in lost), error.end
