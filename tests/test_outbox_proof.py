"""No mail goes out twice without an operator's word: the short form of the proof, and that it sees what is wrong."""

import sys
from collections import Counter

import pytest
from test_prove import failed

from clampdown.proofs import outbox
from clampdown.proofs.claims import Proof
from pipeline.errors import InputError


def test_no_mail_goes_out_twice_wherever_its_sender_is_killed() -> None:
    proof = outbox.prove(lambda _: None, short=True)
    assert failed(proof) == []


def test_without_a_mail_server_it_is_said_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "clampdown.proofs.mail_server", raising=False)
    monkeypatch.setitem(sys.modules, "aiosmtpd.controller", None)
    with pytest.raises(InputError) as caught:
        outbox.prove(lambda _: None, short=True)
    assert "aiosmtpd" in str(caught.value)


def test_the_proof_fails_where_a_mail_arrives_twice_or_not_at_all() -> None:
    life = {
        "name": "outbox-queued-0",
        "killed": True,
        "after_kill": {},
        "settled": {"a": "sent", "b": "sent", "outbox-queued-0-2": "unknown"},
        "later": {"a": "sent", "b": "sent", "outbox-queued-0-2": "sent"},
        "unknown": [],
        "resent_at": 0.0,
        "resent": {"a": "sent", "b": "sent", "c": "cancelled"},
    }
    tally = outbox._Tally([life], Counter({"a": 2, "d": 1}), Counter({"a": 1}))
    wrong = " ".join(failed(Proof("outbox", tuple(outbox._claims(tally, False)))))
    for words in (
        "arrived twice: 1",
        "called sent that did not arrive: 2 (as b)",
        "called neither sent nor unknown: 1 (as d)",
        "neither sent nor unknown in the end: 1 (as c)",
        "a later sender touched: 1",
        "arrived after it: 1 (as a)",
        "STARTTLS, logged in: not all",
    ):
        assert words in wrong, wrong
