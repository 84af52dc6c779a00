"""Named places at which a test can kill the process, as a power cut would.

`CLAMPDOWN_FAILPOINT=store.events` kills at the first pass of that place, `store.events:3` at the third. Without
the variable, `hit` is one comparison of strings.
"""

import os
import signal

VARIABLE = "CLAMPDOWN_FAILPOINT"

_name, _, _count = os.environ.get(VARIABLE, "").partition(":")
_left = int(_count) if _count.isdecimal() else 1


def hit(name: str) -> None:
    """Kill this process with SIGKILL if the failpoint `name` is armed and its turn has come."""
    global _left
    if name != _name:
        return
    _left -= 1
    if _left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
