"""Ten mornings of a made-up world: what a reader is mailed on each is what lies in `tests/digests` for people to read.

`PYTHONPATH=. python tests/digest_world.py` writes them anew.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest
from digest_world import GOLDEN, READER, SITUATIONS, folder_of, live, pages

from flows.digest_report import DigestReport, DigestState

MOST_BYTES = 60_000
"""Of a picture."""


@pytest.fixture(scope="module")
def mornings(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[DigestReport, Mapping[str, bytes]]]:
    found = {}
    for situation, world, report in live(tmp_path_factory.mktemp("world")):
        mail = world.mail(report)
        assert mail["To"] == READER
        found[situation] = (report, pages(mail))
    return found


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_mail_of_a_situation_reads_as_it_should(
    situation: str, mornings: Mapping[str, tuple[DigestReport, Mapping[str, bytes]]]
) -> None:
    report, made = mornings[situation]
    assert (report.state, report.mails, report.unsent) == (DigestState.MADE, 1, ())
    golden = {path.name: path.read_bytes() for path in folder_of(situation).iterdir()}
    assert made.keys() == golden.keys(), "a quiet day has no picture, every other one has"
    for name in ("digest.txt", "digest.html"):
        assert made[name].decode() == golden[name].decode()
    # Other fonts, other pixels: that there is a small picture is what can be told of it.
    for picture in (made.get("week.png"), golden.get("week.png")):
        assert picture is None or (picture.startswith(b"\x89PNG") and len(picture) <= MOST_BYTES)


def test_there_is_a_golden_digest_for_each_situation() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {folder_of(one).name for one in SITUATIONS}
    assert len(SITUATIONS) == 10
    assert Path(__file__).parent == GOLDEN.parent
