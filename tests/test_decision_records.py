"""Decisions as records: values in one form, faults told, kept once."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from test_decisions import edit, same, undo

from pipeline.decision_archive import DecisionArchive
from pipeline.decision_edits import checked
from pipeline.decision_types import from_record, to_record
from pipeline.errors import InputError


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("colour", "red", "action, status, actor"),
        ("action", "forbid", "ban, block"),
        ("action", "", "ban, block"),
        ("status", "done", "in_force"),
        ("country", "Italy", "ISO 3166-1"),
        ("date", "4 February", "YYYY-MM-DD"),
        ("date", "2025-02-30", "calendar"),
        ("scope", "all schools", "subnational"),
        ("actor", "ministry:", "KIND: NAME"),
        ("reasons", "privacy, spite", "child_protection"),
    ],
)
def test_values_are_checked_with_a_word_on_what_is_allowed(field: str, value: str, allowed: str) -> None:
    with pytest.raises(InputError) as caught:
        checked(field, value)
    assert allowed in (caught.value.hint or "")


def test_values_are_kept_in_one_form() -> None:
    assert checked("status", "In Force") == "in_force"
    assert checked("country", "eu") == "EU"
    assert checked("reasons", "content, privacy") == "privacy,content"
    assert checked("scope", "Government devices:  phones  of staff") == "government_devices: phones of staff"
    assert checked("actor", "data protection: Garante") == "data_protection: Garante"
    assert checked("actor", " Garante ") == "Garante"
    assert checked("date", "") is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"author": " "},
        {"reason": ""},
        {"reason": "red\x1b[31m"},
        {"decided_at": datetime(2025, 1, 1)},
        {"one": ()},
        {"other": ()},
        {"revokes": "abc"},
        {"field": "country"},
    ],
)
def test_what_can_not_be_acted_on_is_no_decision(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        replace(same(["m0"], ["m1"]), **wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_records_come_back_as_they_were() -> None:
    for decision in (same(["m0"], ["m1", "m2"]), edit("scope", None), undo(same(["m0"], ["m1"]))):
        again = from_record(to_record(decision))
        assert again == decision
        assert again.id == decision.id


def test_the_archive_keeps_each_decision_once_and_tells_what_is_damaged(tmp_path: Path) -> None:
    archive = DecisionArchive(tmp_path)
    first, second = same(["m0"], ["m1"], 2), edit("country", "FR", minute=1)
    path = archive.keep(first)
    assert path == tmp_path / "decisions" / "2025" / "03" / "01" / f"{first.id}.json"
    assert archive.keep(first) == path
    archive.keep(second)
    assert archive.unread() == ([second, first], [])
    assert archive.unread({first.id}) == ([second], [])
    path.write_text(path.read_text().replace("they say so", "I say so"))
    found, faults = archive.unread()
    assert found == [second]
    assert "does not fit" in str(faults[0])
    path.write_text("{")
    assert len(archive.unread()[1]) == 1
    assert not list(tmp_path.rglob(".*"))
