"""No model file loads but the pinned ones."""

from clampdown.proofs.claims import Proof, Tell


def prove(tell: Tell, *, short: bool) -> Proof:
    """Run the proof. It has no claims yet, and so does not hold."""
    tell("nothing is measured yet")
    return Proof("weights", ())
