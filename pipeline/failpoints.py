"""Named places at which a test can kill the process, as a power cut would.

`CLAMPDOWN_FAILPOINT=store.events` kills at the first pass of that place, `store.events:3` at the third. Without the
variable, `hit` is one look-up in an empty dictionary.
"""

import os
import signal

VARIABLE = "CLAMPDOWN_FAILPOINT"

_passes_left: dict[str, int] = {}


def arm(failpoint: str) -> None:
    """Arm one failpoint, given as in the variable, in place of any other; an empty string arms none."""
    name, _, count = failpoint.partition(":")
    _passes_left.clear()
    if name:
        _passes_left[name] = int(count) if count.isdecimal() else 1


def hit(name: str) -> None:
    """Kill this process with SIGKILL if the failpoint `name` is armed and its turn has come."""
    if name in _passes_left:
        _passes_left[name] -= 1
        if _passes_left[name] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get(VARIABLE, ""))
