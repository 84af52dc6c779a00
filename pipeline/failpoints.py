"""Named places at which a test can kill the process, as a power cut would.

`CLAMPDOWN_FAILPOINT=store.events` kills at the first pass of that place, `store.events:3` at the third. Without the
variable, `hit` is one look-up in an empty dictionary.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

VARIABLE = "CLAMPDOWN_FAILPOINT"


def kill() -> None:
    """End this process with SIGKILL."""
    os.kill(os.getpid(), signal.SIGKILL)


class _Recorder(dict[str, int]):
    """A mapping without any key that writes down what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def __contains__(self, name: object) -> bool:
        self.asked.append(str(name))
        return False


@dataclass(slots=True)
class _Armed:
    """The passes that are left of what is armed, and what happens then."""

    left: dict[str, int] = field(default_factory=dict)
    action: Callable[[], None] = kill


_armed = _Armed()


def arm(failpoint: str, action: Callable[[], None] = kill) -> None:
    """Arm one failpoint, given as in the variable, in place of any other; an empty string arms none.

    `action` is what happens there, in place of a kill.
    """
    name, _, count = failpoint.partition(":")
    _armed.left = {name: int(count) if count.isdecimal() else 1} if name else {}
    _armed.action = action


def record() -> list[str]:
    """Arm none. Returns a list that grows by the name of each failpoint that is passed from now on."""
    recorder = _Recorder()
    _armed.left = recorder
    return recorder.asked


def hit(name: str) -> None:
    """Kill this process with SIGKILL if the failpoint `name` is armed and its turn has come."""
    if name in _armed.left:
        _armed.left[name] -= 1
        if _armed.left[name] == 0:
            _armed.action()


arm(os.environ.get(VARIABLE, ""))
