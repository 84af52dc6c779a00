"""A proof whose work is done by a process of its own, which tells in lines of JSON what it does and what it found."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence

from clampdown.proofs.claims import Claim, Tell
from pipeline.errors import WorkerError


def claims_of(
    command: Sequence[str], given: Mapping[str, object], tell: Tell, environment: Mapping[str, str] | None = None
) -> Iterator[Claim]:
    """Start it with `given` as its input, and yield its claims. Raises WorkerError where it ends in another way."""
    with subprocess.Popen(  # noqa: S603 - this very program
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | dict(environment or {})
    ) as child:
        assert child.stdin is not None, "it was asked for"
        assert child.stdout is not None, "it was asked for"
        child.stdin.write(json.dumps(given))
        child.stdin.close()
        for line in child.stdout:
            told = json.loads(line)
            if "claim" in told:
                yield Claim(**told["claim"])
            else:
                tell(told["tell"])
    if child.returncode:
        raise WorkerError(f"the proof itself ended with status {child.returncode}")
