"""A proof in a process of its own: its memory, its clocks and its end are its own. `python -m clampdown.proofs.apart`.

The process writes lines of JSON: what it does now (`tell`), and in the end what it came to (`result`).
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from typing import IO, Any

from clampdown.proofs.claims import NotPossible, Tell
from clampdown.proofs.registry import BY_NAME, Entry
from clampdown.proofs.results import Result, State, from_json, measured, unmeasured
from pipeline.errors import ClampdownError

PATIENCE = 60.0
"""Seconds that an interrupted proof has to stop its servers and remove its files."""


def run_apart(entry: Entry, tell: Tell, *, short: bool) -> Result:
    """Run a proof to its end, whatever that is. An interrupt stops the process first, and is raised again."""
    at = datetime.now(UTC)
    command = [sys.executable, "-m", "clampdown.proofs.apart", entry.name, *(["--short"] if short else [])]
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(  # noqa: S603 - this very program
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as child:
            assert child.stdout is not None, "it was asked for"
            try:
                told = _listen(child.stdout, tell)
            except KeyboardInterrupt:
                _stop(child)
                raise
        if told is not None:
            return from_json(told, at=at)
        said = _last_line(errors)
    why = f"it ended with status {child.returncode}{f': {said}' if said else ''}"
    return unmeasured(entry.name, State.BROKE, why, short=short, at=at)


def _listen(lines: IO[str], tell: Tell) -> dict[str, Any] | None:
    found = None
    for line in lines:
        said = json.loads(line)
        if "tell" in said:
            tell(said["tell"])
        else:
            found = said["result"]
    return found


def _stop(child: "subprocess.Popen[str]") -> None:
    """Wait for a process that the terminal has interrupted too; a second interrupt, or too long a wait, kills it."""
    try:
        child.wait(PATIENCE)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.kill()


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def run_here(entry: Entry, tell: Tell, *, short: bool) -> Result:
    """Run a proof in this process. Raises what goes wrong in it; what is not possible here, it returns."""
    at = datetime.now(UTC)
    try:
        return measured(entry.name, lambda: entry.prove(tell, short=short), short=short)
    except NotPossible as error:
        return unmeasured(entry.name, State.NOT_HERE, _in_words(error), short=short, at=at)


def _in_words(error: ClampdownError) -> str:
    return f"{error} ({error.hint})" if error.hint else str(error)


def _main(name: str, *options: str) -> int:
    """Write what the proof says; what libraries print goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out, contextlib.redirect_stdout(sys.stderr):
        os.dup2(2, 1)

        def say(**line: object) -> None:
            print(json.dumps(line, ensure_ascii=False, default=str), file=out, flush=True)

        try:
            came_to = run_here(BY_NAME[name], lambda line: say(tell=line), short="--short" in options)
        except ClampdownError as error:
            print(_in_words(error), file=sys.stderr)
            return error.exit_code
        say(result=came_to.as_json())
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
