"""A source that falls silent is noticed: a small form of the proof, and that it sees what is wrong."""

from datetime import timedelta

from test_prove import failed

from clampdown.proofs import silence
from clampdown.proofs.claims import Proof
from clampdown.proofs.silence import Plan, Seen
from clampdown.proofs.silence_world import DAY, START, Outlet, full_world

SMALL = Plan(
    [
        Outlet(0, 14, stated=True, trouble="muted", ends=7),
        Outlet(1, 14, stated=True, trouble="emptied", ends=7),
        Outlet(2, 20, trouble="failing", ends=7),
        Outlet(3, 14),
        Outlet(4, 3, "weekly", stated=True),
    ],
    14,
    2 * DAY,
)


def test_silence_shows_in_every_place_and_holds_nothing_up() -> None:
    proof = silence.prove(lambda _: None, short=True, plan=SMALL)
    assert failed(proof) == []
    days = {one["source"]: one["days"] for one in proof.figures["noticed"]}
    assert set(days) == {"muted-00", "emptied-01", "failing-02"}


def test_the_proof_fails_where_silence_is_noticed_late_or_nowhere_or_calm_is_called_silence() -> None:
    seen = Seen(runs=2, unfinished=1, well_days=100.0, stored=4, published=5)
    seen.noticed = {
        "muted-00": ("silent", START + timedelta(days=13)),
        "failing-02": ("failing", START + timedelta(days=7)),
    }
    seen.alarms = [("well-03", START)]
    seen.places = {place: {"The Outlet of 00"} for place in silence._SEEN}
    seen.covered = (1, 0.9)
    wrong = failed(Proof("silence", tuple(silence._claims(SMALL, seen))))
    assert len(wrong) == 11, wrong
    assert "late: muted-00" in " ".join(wrong)
    assert "late: emptied-01" in " ".join(wrong)


def test_feeds_follow_from_the_seed_and_end_when_their_trouble_begins() -> None:
    outlets = full_world(182, 12)
    for outlet in outlets:
        moments = outlet.items(182, 1)
        assert moments == outlet.items(182, 1)
        assert outlet.trouble is None or max(moments) < START + outlet.ends * DAY
        weeks = (len(moments) / outlet.per_week) / ((outlet.ends or 182) + 10) * 7
        assert 0.3 < weeks < 2.0, outlet
    assert len({outlet.name for outlet in outlets}) == len(outlets)
