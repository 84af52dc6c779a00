"""What a proof came to, as it is shown and kept: one JSON object, that of `clampdown prove NAME --json`."""

import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from clampdown.proofs.claims import Claim, Proof
from pipeline.errors import InputError

KEPT = Path(__file__).with_name("kept.json")
"""The full forms as they last ran where a release was made; `python -m clampdown.guarantees --keep` writes it."""


class State(StrEnum):
    """What a proof says of its promise; the last two say nothing of it."""

    HOLDS = "holds"
    FAILS = "FAILS"
    BROKE = "broke"
    NOT_HERE = "not here"

    @property
    def is_wrong(self) -> bool:
        """Whether the user must be told by the exit status."""
        return self in (State.FAILS, State.BROKE)


@dataclass(frozen=True, slots=True)
class Result:
    """A proof that ran, or tried to. `at` is its beginning; `why` says why it broke, or is not possible here."""

    proof: str
    short: bool
    state: State
    at: datetime
    seconds: float
    machine: str
    version: str
    claims: tuple[Claim, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        told = asdict(self) | {"holds": self.state is State.HOLDS, "at": self.at.isoformat(timespec="seconds")}
        return told | {"seconds": round(self.seconds, 1), "state": self.state.value}


def measured(name: str, prove: Callable[[], Proof], *, short: bool) -> Result:
    """Run a proof to its end; raises what it raises."""
    at, start = datetime.now(UTC), time.monotonic()
    proof = prove()
    return Result(
        name,
        short,
        State.HOLDS if proof.holds else State.FAILS,
        at,
        time.monotonic() - start,
        machine(),
        release(),
        proof.claims,
        proof.figures,
        proof.left_out,
    )


def unmeasured(name: str, state: State, why: str, *, short: bool, at: datetime) -> Result:
    """What there is to say of a proof without an end, begun at `at`."""
    now = datetime.now(UTC)
    return Result(name, short, state, at, (now - at).total_seconds(), machine(), release(), why=why)


def is_current(one: Result, *, short: bool) -> bool:
    """Whether a kept result is of this release and form, and says something of its promise."""
    return one.short == short and one.version == release() and one.state in (State.HOLDS, State.FAILS)


def from_json(told: Mapping[str, Any], *, at: datetime) -> Result:
    """Read what `as_json` made. Where it lacks when and where that was, it was `at`, and here."""
    given = {name: told[name] for name in ("figures", "why") if name in told}
    state = told.get("state", State.HOLDS if told["holds"] else State.FAILS)
    return Result(
        told["proof"],
        told.get("short", False),
        State(state),
        datetime.fromisoformat(told["at"]) if "at" in told else at,
        told["seconds"],
        told.get("machine") or machine(),
        told.get("version") or release(),
        tuple(Claim(**claim) for claim in told.get("claims", ())),
        left_out=tuple(told.get("left_out", ())),
        **given,
    )


def keep(folder: Path, one: Result) -> None:
    """Write a result into a folder, as a whole or not at all."""
    new = folder / f"{one.proof}.json.new"
    new.write_text(json.dumps(one.as_json(), ensure_ascii=False, indent=1, default=str) + "\n", encoding="utf-8")
    new.replace(folder / f"{one.proof}.json")


def kept_in(path: Path) -> dict[str, Result]:
    """The results in a folder or a file, by the name of their proof. Raises InputError where a file is none."""
    return {one.proof: one for one in _read(sorted(path.glob("*.json")) if path.is_dir() else [path])}


def _read(files: list[Path]) -> Iterator[Result]:
    for file in files:
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
            yield from_json(told, at=datetime.fromtimestamp(file.stat().st_mtime, UTC))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{file} is no result of a proof: {error!r}", hint="Remove it, or name another folder."
            ) from error


def released() -> dict[str, Result]:
    """The full forms that came with this release, by name."""
    told = json.loads(KEPT.read_text(encoding="utf-8"))
    return {name: from_json(one | {"proof": name}, at=datetime.now(UTC)) for name, one in told.items()}


def release_with(results: Mapping[str, Result]) -> str:
    """The text of KEPT with these full forms among its own. Series of figures, which can be long, are left out."""
    full = {name: one for name, one in results.items() if not one.short and one.claims}
    told = {name: one.as_json() for name, one in sorted((released() | full).items())}
    lean = {
        name: {key: value for key, value in one.items() if key not in ("figures", "proof")}
        for name, one in told.items()
    }
    return json.dumps(lean, ensure_ascii=False, indent=1) + "\n"


def release() -> str:
    """The version that runs."""
    return version("clampdown")


@cache
def machine() -> str:
    """This machine in a few words: cores, processor, memory, system and Python."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    about = f"{cores} {'core' if cores == 1 else 'cores'} ({_processor()}), {memory:.0f} GB"
    return f"{about}, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"
