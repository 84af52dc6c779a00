"""Every discovered entry is in the ledger once, with its outcome and a reason, whatever the web did and whoever was killed."""

from clampdown.proofs.claims import Proof, Tell


def prove(tell: Tell, *, short: bool) -> Proof:
    """Run the proof. It has no claims yet, and so does not hold."""
    tell("nothing is measured yet")
    return Proof("accounting", ())
