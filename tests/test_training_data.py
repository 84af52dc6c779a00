"""Annotated passages: the short notation, the labels without text, and our own data."""

import gzip
import json
import re
from pathlib import Path

import pytest

from extractors import registries
from extractors.training.corpora import feed_item, labelled, labels_of, texts
from extractors.training.data import DATA, own_passages, split_of
from extractors.training.notation import Faults, read_notation
from extractors.training.unseen import with_unseen_names

NOTE = """\
@ x-1 2024-03-05
Kestrel Bank bars chatbots
Kestrel Bank, the Irish lender, barred staff from ChatGPT and other chatbots on Monday over leaks.
> ban | in_force | barred | Kestrel Bank | IE | ChatGPT | staff | on Monday = 2024-03-04 | leaks : cybersecurity privacy
>? ban | in_force | barred | Kestrel Bank | IE | chatbots = generative AI | staff | - | -

@ x-2 -
Nothing happened.
"""


def test_the_notation_is_read_whole() -> None:
    first, second = read_notation(NOTE.splitlines(), "written")
    assert first["published"] == "2024-03-05"
    assert first["text"].startswith("Kestrel Bank bars chatbots\nKestrel Bank, the")
    assert first["events"][0] == {
        "action": "ban",
        "status": "in_force",
        "trigger": "barred",
        "actor": "Kestrel Bank",
        "actor_canonical": "Kestrel Bank",
        "country": "IE",
        "service": "ChatGPT",
        "service_canonical": "ChatGPT",
        "scope": "staff",
        "date": "on Monday",
        "date_value": "2024-03-04",
        "reason": "leaks",
        "reason_classes": ["cybersecurity", "privacy"],
    }
    assert first["events"][1]["optional"]
    assert first["events"][1]["service_canonical"] == "generative AI"
    assert second == {"id": "x-2", "corpus": "written", "published": None, "text": "Nothing happened.", "events": []}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("> ban |", "> forbid |", "line 4 (x-1): “forbid” is none of ban, block"),
        ("barred | Kestrel", "barred it | Kestrel", "trigger “barred it” is not in the text"),
        ("| IE | ChatGPT", "| Ireland | ChatGPT", "“Ireland” is no country code"),
        ("= 2024-03-04", "= 4 March", "“4 March” is no date"),
        ("leaks : cybersecurity privacy", "leaks", "a reason has classes"),
        ("| staff | on Monday = 2024-03-04", "| on Monday = 2024-03-04", "8 parts instead of 9"),
        ("| Kestrel Bank | IE | ChatGPT", "| the Irish lender | IE | ChatGPT", "begins with an article"),
        ("@ x-2 -", "@ x-1 -", "x-1 occurs twice"),
    ],
)
def test_each_fault_is_named_with_its_line(old: str, new: str, told: str) -> None:
    assert old in NOTE
    with pytest.raises(Faults) as caught:
        read_notation(NOTE.replace(old, new, 1).splitlines(), "written")
    assert told in str(caught.value)


def test_labels_hold_no_text_and_give_the_annotation_back(tmp_path: Path) -> None:
    text = feed_item("Kestrel Bank bars <b>chatbots</b>", "<p>Kestrel Bank barred staff from ChatGPT &amp; Co.</p>")
    assert text == "Kestrel Bank bars chatbots\nKestrel Bank barred staff from ChatGPT & Co."
    note = "@ n1 2021-05-06\n> ban | in_force | barred | Kestrel Bank | IE | ChatGPT | staff | - | -\n"
    records = read_notation(note.splitlines(), "x", {"n1": {"text": text, "published": "2021-05-06"}})
    path = tmp_path / "x.labels.jsonl"
    path.write_text("".join(json.dumps(label) + "\n" for label in labels_of(records)), "utf-8")
    assert "staff" not in path.read_text("utf-8")
    assert labelled(path, tmp_path) == []
    item = {
        "title": "Kestrel Bank bars <b>chatbots</b>",
        "description": "<p>Kestrel Bank barred staff from ChatGPT &amp; Co.</p>",
    }
    with gzip.open(tmp_path / "news_items_2021_2022.jsonl.gz", "wt", encoding="utf-8") as out:
        out.write(json.dumps({"title": "Other", "description": None}) + "\n" + json.dumps(item) + "\n")
    (found,) = labelled(path, tmp_path)
    assert found["text"] == text
    assert found["events"] == records[0]["events"]


def test_every_label_finds_its_text(shared: Path) -> None:
    held = set(texts(shared / "corpus"))
    assert held
    for path in DATA.glob("*.labels.jsonl"):
        labels = path.read_text("utf-8").splitlines()
        found = labelled(path, shared / "corpus")
        assert len(found) == len(labels)
        for record in found:
            for event in record["events"]:
                assert event["trigger"]
                assert all(event[name] is None or event[name] in record["text"] for name in ("actor", "service"))


def test_our_own_passages_are_many_and_kept_apart() -> None:
    splits = {split: own_passages(split) for split in ("train", "dev", "test")}
    ids = [passage.id for passages in splits.values() for passage in passages]
    assert len(ids) == len(set(ids))
    assert len(ids) >= 3152
    texts_of = {split: {passage.text for passage in passages} for split, passages in splits.items()}
    assert not texts_of["train"] & (texts_of["dev"] | texts_of["test"])
    assert all(split_of(passage.id) == "test" for passage in splits["test"])
    for passage in splits["train"]:
        assert all("trigger" in event.spans and "service" in event.spans for event in passage.events), passage.id


def test_names_that_nobody_has_met_take_the_place_of_all_others() -> None:
    passages = [passage for passage in own_passages("test") if passage.events][:40]
    renamed = with_unseen_names(passages)
    assert len(renamed) >= 0.9 * len(passages)
    countries = {country.name for country in registries.countries()}
    before = {passage.id: passage for passage in passages}
    changed = 0
    for passage in renamed:
        for event, old in zip(passage.raw, before[passage.id].raw, strict=True):
            assert event["trigger"] in passage.text
            if old["actor"] and re.fullmatch(r"[A-Z][a-z]+", old["actor"]) and old["actor_canonical"] not in countries:
                assert event["actor_canonical"] != old["actor_canonical"]
                changed += 1
    assert changed
    assert [p.text for p in with_unseen_names(passages)] == [p.text for p in renamed]
