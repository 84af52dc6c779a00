"""The proofs that users run, in their short forms."""

from clampdown.proofs import hostile, ssrf
from clampdown.proofs.claims import Proof


def failed(proof: Proof) -> list[str]:
    """What did not hold, in words."""
    return [f"{claim.text}: {claim.measured}, not {claim.promised}" for claim in proof.claims if not claim.holds]


def test_no_private_address_is_reached() -> None:
    told: list[str] = []
    proof = ssrf.prove(told.append, short=True)
    assert failed(proof) == []
    assert proof.holds
    assert told


def test_nothing_hostile_stops_a_run() -> None:
    assert failed(hostile.prove(lambda _: None, short=True)) == []
