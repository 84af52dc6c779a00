"""Every event cites text that is stored, and that a reader of the page sees."""

from clampdown.proofs.claims import Proof, Tell


def prove(tell: Tell, *, short: bool) -> Proof:
    """Run the proof. It has no claims yet, and so does not hold."""
    tell("nothing is measured yet")
    return Proof("citations", ())
