"""No mail goes out twice without an operator's word: its senders are killed where it matters, and at random moments.

The digests are made and sent by the program's own code, over a real server with STARTTLS and authentication. What
arrives is counted there; what is said of it is read in the outbox.
"""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from clampdown.proofs.claims import Claim, NotPossible, Proof, Tell
from pipeline.errors import WorkerError

if TYPE_CHECKING:
    from clampdown.proofs.mail_server import MailServer

POINTS: Final = {
    "outbox.kept": "the bytes are kept, no record names them",
    "digest.recorded": "the record is written, the journal knows nothing of it",
    "outbox.queued": "the journal has it, nothing is sent",
    "outbox.sending": "it is noted as on its way, its dot is not sent",
    "outbox.dot": "its dot is sent, the answer is not read",
    "outbox.answered": "the answer is read, and not yet noted",
}
"""Where the sender is killed, in the order of a mail's way."""

PER_MAIL: Final = ("outbox.sending", "outbox.dot", "outbox.answered")
READERS: Final = 3
KILLS: Final = 20
MOMENTS: Final = 40
LATEST: Final = 0.35
"""Seconds after the beginning of a life within which it is killed at a random moment."""


@dataclass(slots=True)
class _Tally:
    """What was found: `lives` as the child tells them, `arrived` readers with how often a mail of theirs was taken."""

    lives: list[dict[str, Any]] = field(default_factory=list)
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)


def prove(tell: Tell, *, short: bool, seed: int = 8) -> Proof:
    """Kill, go on, count. Raises NotPossible where a library is not installed that servers and certificates need."""
    try:
        from clampdown.proofs.certificates import certificates, tls
        from clampdown.proofs.mail_server import PASSWORD, USER, mail_server
    except ImportError as error:
        raise NotPossible(
            f"the library {error.name} is not installed", hint="The proof needs aiosmtpd and cryptography."
        ) from None
    lives = list(_lives(1 if short else KILLS, 2 if short else MOMENTS, random.Random(seed)))
    with TemporaryDirectory(prefix="clampdown-outbox-") as name, ExitStack() as stack:
        folder = Path(name)
        certificate = certificates(folder)("127.0.0.1")
        server = stack.enter_context(mail_server(tls(certificate), login=True))
        mail = {
            "host": "127.0.0.1", "port": server.port, "security": "starttls", "user": USER,
            "password_env": "PROOF_PASSWORD", "sender": "Clampdown <proof@example.org>", "timeout": 60,
        }  # fmt: skip
        given = {"folder": str(folder / "data"), "mail": mail, "readers": READERS, "lives": [asdict(x) for x in lives]}
        environ = os.environ | {"SSL_CERT_FILE": str(folder / "ca.pem"), "PROOF_PASSWORD": PASSWORD}
        tally = _Tally()
        tell(f"killing {len(lives)} senders, {READERS} mails each")
        for told in _run(given, environ):
            tally.lives.append(told)
            _count(tally, server, told)
            if len(tally.lives) % 20 == 0:
                tell(f"{len(tally.lives)} of {len(lives)}")
        encrypted = all(one.encrypted and one.user == USER for one in server.mails)
    return Proof("outbox", tuple(_claims(tally, encrypted)), {"lives": len(tally.lives)})


def _lives(kills: int, moments: int, dice: random.Random) -> "Iterator[_Life]":
    for point in POINTS:
        for number in range(kills):
            at = f":{number % READERS + 1}" if point in PER_MAIL else ""
            yield _Life(f"{point.replace('.', '-')}-{number}", f"{point}{at}")
    for number in range(moments):
        yield _Life(f"moment-{number}", after=dice.uniform(0.0, LATEST))


@dataclass(frozen=True, slots=True)
class _Life:
    """What the child's `Life` is made of: it is not imported here, as it would import what this process forks with."""

    name: str
    failpoint: str = ""
    after: float | None = None


def _run(given: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The lives, as the child tells them."""
    with subprocess.Popen(
        [sys.executable, "-m", "clampdown.proofs.outbox_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environ,
    ) as child:
        assert child.stdin is not None, "it was asked for"
        assert child.stdout is not None, "it was asked for"
        child.stdin.write(json.dumps(given))
        child.stdin.close()
        for line in child.stdout:
            yield json.loads(line)
    if child.returncode:
        raise WorkerError(f"the proof itself ended with status {child.returncode}")


def _count(tally: _Tally, server: "MailServer", told: Mapping[str, Any]) -> None:
    """Count what has arrived of a life: before the operator's word, and after it."""
    for one in server.mails:
        (reader,) = one.recipients
        if reader.rpartition("-")[0] == told["name"]:
            (tally.before if one.at < told["resent_at"] else tally.after)[reader] += 1


def _claims(tally: _Tally, encrypted: bool) -> Iterator[Claim]:
    lives = tally.lives
    readers = [reader for life in lives for reader in life["resent"]]
    before, killed = tally.before, sum(life["killed"] for life in lives)
    states = {reader: state for life in lives for reader, state in life["later"].items()}
    unknown = [reader for reader, state in states.items() if state == "unknown"]
    named = [life for life in lives if not life["name"].startswith("moment-")]
    points = len({life["name"].rpartition("-")[0] for life in named})
    yield _none("senders that outlived their failpoint", [one["name"] for one in named if not one["killed"]])
    yield _none("mails that arrived twice", [one for one, number in before.items() if number > 1])
    sent = [one for one, state in states.items() if state == "sent"]
    yield _none("mails called sent that did not arrive", [one for one in sent if not before[one]])
    silent = [one for one in before if states.get(one) not in ("sent", "unknown")]
    yield _none("mails that arrived and are called neither sent nor unknown", silent)
    other = [one for one in readers if states.get(one) not in ("sent", "unknown")]
    yield _none("mails that are neither sent nor unknown in the end", other)
    missing = len(lives) * READERS - len(states)
    yield Claim("mails that are in no outbox", str(missing), "0", missing == 0)
    most = max((len(life["unknown"]) for life in lives), default=0)
    arrived = sum(before[one] > 0 for one in unknown)
    yield Claim(
        "mails of which nothing can be known, for each kill",
        f"≤ {most} ({len(unknown)} in all, {arrived} had arrived)",
        "≤ 1",
        most <= 1,
    )
    early = ("outbox.kept", "digest.recorded", "outbox.queued")
    needless = [one for one in unknown if one.startswith(tuple(point.replace(".", "-") for point in early))]
    yield _none("mails called unknown though nothing of them was sent", needless)
    turned = [life["name"] for life in lives if _unknown(life["settled"]) != _unknown(life["later"])]
    yield _none("unknown mails that a later sender touched", turned)
    resent = [one for one in unknown if tally.after[one] != 1]
    yield _none("unknown mails that did not arrive once more by the operator's word", resent)
    unasked = [one for one in tally.after if one not in unknown]
    yield _none("other mails that arrived after it", unasked)
    yield Claim("over STARTTLS, logged in", "all" if encrypted else "not all", "all", encrypted)
    yield Claim(
        "senders killed", f"{killed}, at {points} points and at random moments", f"≥ {len(named)}", killed >= len(named)
    )


def _unknown(states: Mapping[str, str]) -> set[str]:
    return {reader for reader, state in states.items() if state == "unknown"}


def _none(text: str, found: Sequence[str]) -> Claim:
    example = f" (as {found[0]})" if found else ""
    return Claim(text, f"{len(found)}{example}", "0", not found)
