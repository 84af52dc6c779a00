"""The command in the process of the tests: a new one takes a second and more to import what it needs.

That the command starts as a program of its own is shown where it is installed, interrupted and killed.
"""

import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from clampdown.main import main


@dataclass(frozen=True)
class Done:
    """How a command ended, with what it printed."""

    returncode: object
    stdout: str
    stderr: str


def clampdown(*args: str, cwd: Path, stdin: str = "") -> Done:
    """Run the command in the folder `cwd`."""
    out, err = StringIO(), StringIO()
    with chdir(cwd), pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["clampdown", *args])
        patch.setattr(sys, "stdin", StringIO(stdin))
        try:
            main()
            code: object = 0
        except SystemExit as ended:
            code = ended.code or 0
    return Done(code, out.getvalue(), err.getvalue())
