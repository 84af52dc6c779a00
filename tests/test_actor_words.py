"""A tagger that marks half a name, or a word too many, yields the whole one; one that marks no body yields none."""

import pytest
from cost import cost

from extractors.actor_words import completed, names_nobody
from extractors.decode import RawMention
from extractors.normalize import normalize
from extractors.reading import read
from pipeline.types import Action, Document, Mention, Quote, Status

CASES = [
    ("Internet providers in Albania began blocking it.", "Internet providers in", "Internet providers"),
    ("Kenya's ICT minister had it cut.", "s ICT minister", "ICT minister"),
    ("The Ministry of Communications has it back.", "Ministry of", "Ministry of Communications"),
    (
        "On orders of the transport and communications ministry it went.",
        "transport and",
        "transport and communications ministry",
    ),
    ("The country's data protection authority halted it.", "data", "data protection authority"),
    ("Officials and soldiers had to delete it.", "and soldiers", "soldiers"),
    ("The University of Maribor bars it.", "of Maribor", "University of Maribor"),
    ("The people of Maribor like it.", "of Maribor", "Maribor"),
    ("Northmoor Borough Council has forbidden it.", "Borough Council", "Northmoor Borough Council"),
    ("On Monday Borough Council staff lost it.", "Borough Council", "Borough Council"),
    ("Tamarack County employees may not use it.", "Tamarack", "Tamarack County"),
    ("The Home Department of Castra (C&D and others said so.", "Castra (C&D", "Castra"),
    ("Ortland Bans It As County Courts Wait\nMore below.", "Ortland", "Ortland"),
    ("Ortland bans it. Council members agree.", "Ortland", "Ortland"),
    ("The regulator fined it.", "regulator", "regulator"),
]


def quote(text: str, words: str) -> Quote:
    start = text.index(words)
    return Quote(words, start, start + len(words))


@pytest.mark.parametrize(("text", "marked", "whole"), CASES, ids=[case[2] for case in CASES])
def test_an_actors_words_are_whole(text: str, marked: str, whole: str) -> None:
    found = completed(read(Document("x", text, None)), quote(text, marked))
    assert found.text == whole
    assert text[found.start : found.end] == whole


def normalized(text: str, trigger: str, actor: str, service: str) -> Mention:
    raw = RawMention(
        action=Action.BAN,
        status=Status.IN_FORCE,
        trigger=quote(text, trigger),
        service=quote(text, service),
        actor=quote(text, actor),
        scope=None,
        date=None,
        reason=None,
        reason_classes=(),
        score=0.9,
        scores={},
    )
    return normalize(Document("x", text, None), raw)


def test_a_common_noun_is_no_actor() -> None:
    mention = normalized("By regulation, they bar DeepSeek.", "bar", "regulation", "DeepSeek")
    assert (mention.actor, mention.actor_canonical) == (None, None)
    assert names_nobody("regulation")
    assert not names_nobody("brokerages")


def test_a_completed_actor_is_a_quote_of_a_long_text_too() -> None:
    text = "x " * 4000 + "Northmoor Borough Council barred DeepSeek. " + "y " * 4000
    mention = normalized(text, "barred", "Borough Council", "DeepSeek")
    assert mention.actor is not None
    assert text[mention.actor.start : mention.actor.end] == mention.actor.text == "Northmoor Borough Council"


def test_where_a_service_comes_from_does_not_place_a_council() -> None:
    text = "Northmoor Borough Council barred DeepSeek. Data would be stored in China, the paper says."
    assert normalized(text, "barred", "Northmoor Borough Council", "DeepSeek").country == "XX"


def test_a_surname_is_the_office_with_which_the_text_names_the_person() -> None:
    text = "Texas Governor Wendell Quarrie signed. Quarrie barred DeepSeek from the state's devices."
    start = text.rindex("Quarrie")
    mention = normalized(text, "barred", "Texas Governor Wendell Quarrie", "DeepSeek")
    assert mention.actor_canonical == "Texas"
    raw = normalized(text[start:] + " " + text[:start], "barred", "Quarrie", "DeepSeek")
    assert (raw.actor_canonical, raw.actor and raw.actor.text) == ("Texas", "Quarrie")


def test_a_run_of_capitals_does_not_hold_a_surname_up() -> None:
    text = "Quarrie barred DeepSeek. " + "A" * 50_000
    with cost() as spent:
        assert normalized(text, "barred", "Quarrie", "DeepSeek").actor_canonical == "Quarrie"
    assert spent.seconds < 4  # 20 s where a word of a name is begun anywhere in the run
