"""The proofs that users run, in their short forms. Here they say nothing on time: the machine may do much else."""

import pytest

from clampdown.proofs import bombs, hostile, polite, snapshot, ssrf
from clampdown.proofs.claims import Proof

LONG = 60.0


def failed(proof: Proof) -> list[str]:
    """What did not hold, in words."""
    return [f"{claim.text}: {claim.measured}, not {claim.promised}" for claim in proof.claims if not claim.holds]


def test_no_private_address_is_reached() -> None:
    told: list[str] = []
    proof = ssrf.prove(told.append, short=True)
    assert failed(proof) == []
    assert proof.holds
    assert told


def test_the_proof_of_private_addresses_fails_where_the_guard_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssrf, "SPELLINGS", ("127.0.0.1", "localhost"))
    monkeypatch.setattr(ssrf, "SETTINGS", ssrf.SETTINGS.model_copy(update={"timeout": 0.3}))
    monkeypatch.setattr(ssrf, "refusal", lambda address: None)
    broken = " ".join(failed(ssrf.prove(lambda _: None, short=True)))
    for way in (
        "asked for directly",
        "redirected to:",
        "by way of another",
        "become private",
        "with private addresses",
    ):
        assert way in broken


def test_nothing_hostile_stops_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostile, "TIMEOUT", 1.0)
    monkeypatch.setattr(hostile, "SLACK", LONG)
    monkeypatch.setattr(bombs, "MAX_SECONDS", LONG)
    assert failed(hostile.prove(lambda _: None, short=True)) == []


def test_no_rule_of_politeness_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polite, "QUICK", LONG)
    assert failed(polite.prove(lambda _: None, short=True)) == []


def test_readers_of_the_snapshot_meet_no_error_and_nothing_stale() -> None:
    assert failed(snapshot.prove(lambda _: None, short=True)) == []
