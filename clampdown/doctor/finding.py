"""Findings of the doctor, and how looks are made that nothing can stop."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from clampdown.mishaps import explained
from pipeline.errors import ClampdownError

if TYPE_CHECKING:
    from pipeline.settings import LoadedSettings

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was looked at, whether it is well ("ok", "warn", "fail"), and what to do."""

    name: str
    state: State
    detail: str
    hint: str | None = None
    group: str = ""


Look = Callable[["LoadedSettings"], "Check | Iterable[Check]"]


def made(name: str, look: Look, loaded: "LoadedSettings") -> Iterator[Check]:
    """What a look finds; where it fails itself, that is the finding."""
    try:
        found = look(loaded)
        yield from [found] if isinstance(found, Check) else list(found)
    except ClampdownError as error:
        yield Check(name, "fail", str(error), error.hint)
    except (OSError, MemoryError, RuntimeError) as error:
        known = explained(error)
        yield Check(name, "fail", str(known or error), known.hint if known else None)
