"""Killed anywhere with SIGKILL, what was committed is there, once, and whoever goes on ends in the same tables.

What runs with workers and the model leave when they are killed is tried where runs are rebuilt (tests/test_rebuild.py)
and where articles change (tests/test_versions.py).
"""

import struct
from collections import Counter

import pytest

from clampdown.proofs import crash
from clampdown.proofs.claims import Proof
from clampdown.proofs.crash_keep import entry_starts
from clampdown.proofs.crash_yard import Calm, Kill, Tally, all_failpoints, checked, plan
from pipeline.failpoints import arm, hit, record


def failed(proof: Proof) -> list[str]:
    """What did not hold, in words."""
    return [f"{claim.text}: {claim.measured}, not {claim.promised}" for claim in proof.claims if not claim.holds]


def test_what_is_committed_survives() -> None:
    """Kills at the failpoints of storing, deciding, publishing and of runs; a full disk; a log that breaks off."""
    proof = crash.prove(lambda _: None, short=True)
    assert failed(proof) == []
    assert len(proof.claims) >= 10


def test_failpoints_do_nothing_unless_armed() -> None:
    hit("store.committed")
    arm("store.committed:2")
    try:
        hit("store.events")
        hit("store.committed")
        seen = record()
        hit("store.committed")
        hit("store.events")
        assert seen == ["store.committed", "store.events"]
        done: list[str] = []
        arm("store.events:2", lambda: done.append("now"))
        for _ in range(3):
            hit("store.events")
        assert done == ["now"]
    finally:
        arm("")
    hit("store.committed")


def test_every_failpoint_of_the_source_is_found() -> None:
    assert {"store.events", "publish.switched", "ingest.fetched", "migrate.script"} <= all_failpoints()


CALM = Calm(("opened", "stored 1", "stored 2"), ("A", "B", "C"), ("store.events", "store.committed") * 2, 1.0, ())


@pytest.mark.parametrize(
    ("at", "found", "lost"),
    [(1, "B", False), (1, "C", False), (1, "A", True), (0, "C", True), (2, "A", True), (1, "half a batch", True)],
)
def test_the_proof_tells_a_state_that_must_not_be(at: int, found: str, lost: bool) -> None:
    tally = Tally()
    checked([f"found {found}"], CALM, at, tally, "store.events:1")
    assert bool(tally.lost) is lost


def test_a_tally_passes_between_processes() -> None:
    tally = Tally(Counter({"store.events": 2, "": 1}), 1, ["lost"], [], ["torn"])
    assert Tally.unpacked(tally.packed()) == tally


def test_kills_are_spread_over_all_failpoints_and_moments() -> None:
    kills = plan(CALM, 30)
    assert len(kills) == 30
    assert {kill.name for kill in kills} == {"store.events", "store.committed", ""}
    assert sum(kill.failpoint is None for kill in kills) == 10
    assert all(0 <= kill.after <= CALM.seconds for kill in kills)
    assert Kill("store.events:1") in kills


def test_entries_of_a_log_are_found_by_their_lengths() -> None:
    sizes = [3, 5, 8, 13, 21, 34, 55, 5, 3, 8, 9, 12]
    log = b"header!" + b"".join(struct.pack("<QQ", size, 0xFEED) + b"\xff" * size for size in sizes)
    starts = entry_starts(log)
    assert len(starts) == len(sizes)
    assert starts[0] == len(b"header!")
    with pytest.raises(ValueError, match="another format"):
        entry_starts(b"\xff" * 500)
