"""The composed extractor: each event once, doubtful ones left out, in the order of the text, as public JSON."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from extractors.decode import RawMention
from extractors.extractor import ClampdownExtractor, event_record, load_extractor, model_revision, passage_record
from extractors.merging import merge_mentions
from extractors.normalize import normalize
from pipeline.errors import ModelError
from pipeline.protocols import Extractor
from pipeline.settings import ExtractSettings
from pipeline.types import Action, Document, Mention, Quote, ReasonClass, ScopeClass, Status

TEXT = (
    "Italy blocks DeepSeek\n\n"
    "Italy's Garante on Thursday banned and suspended DeepSeek for all users in Italy, citing privacy. "
    "The Garante has banned DeepSeek. Taiwan banned DeepSeek on government devices."
)
DOCUMENT = Document("article", TEXT, date(2025, 1, 31))


def at(words: str, nth: int = 0) -> Quote:
    start = -1
    for _ in range(nth + 1):
        start = TEXT.index(words, start + 1)
    return Quote(words, start, start + len(words))


def raw(action: Action, trigger: Quote, actor: Quote | None, service: Quote, **fields: object) -> RawMention:
    return RawMention(action, Status.IN_FORCE, trigger, service, actor, **fields)


FULL = raw(
    Action.BAN,
    at("banned"),
    at("Italy's Garante"),
    at("DeepSeek", 1),
    date=at("on Thursday"),
    reason=at("privacy"),
    reason_classes=(ReasonClass.PRIVACY,),
    score=0.9,
)
SUSPENDED = raw(
    Action.SUSPEND, at("suspended"), at("Italy's Garante"), at("DeepSeek", 1), date=at("on Thursday"), score=0.95
)
AGAIN = raw(Action.BAN, at("banned", 1), at("Garante", 1), at("DeepSeek", 2), score=0.99)
TAIWAN = raw(Action.BAN, at("banned", 2), at("Taiwan"), at("DeepSeek", 3), scope=at("government devices"), score=0.8)
HEADLINE = raw(Action.BLOCK, at("blocks"), at("Italy"), at("DeepSeek"), score=0.4)


class ScriptedTagger:
    """A tagger that answers what it was given, whatever it reads."""

    def __init__(self, answers: Sequence[RawMention], revision: str = "scripted") -> None:
        self._answers = list(answers)
        self.revision = revision

    def tag(self, documents: Sequence[Document]) -> list[list[RawMention]]:
        return [list(self._answers) for _ in documents]


def extracted(*raws: RawMention, min_score: float = 0.5) -> list[Mention]:
    (found,) = ClampdownExtractor(ScriptedTagger(raws), min_score).extract([DOCUMENT])
    return found


def normalized(*raws: RawMention) -> list[Mention]:
    return [normalize(DOCUMENT, one) for one in raws]


def test_events_come_once_in_order_without_doubtful_ones() -> None:
    found = extracted(TAIWAN, HEADLINE, AGAIN, SUSPENDED, FULL)
    assert [(mention.action, mention.actor_canonical) for mention in found] == [
        (Action.BAN, "Garante per la protezione dei dati personali"),
        (Action.BAN, "Taiwan"),
    ]
    assert found[0].trigger == FULL.trigger
    assert found[0].date_value == "2025-01-30"
    assert found[1].scope_class is ScopeClass.GOVERNMENT_DEVICES


def test_the_threshold_is_inclusive() -> None:
    assert len(extracted(HEADLINE, min_score=0.4)) == 1
    assert extracted(HEADLINE, min_score=0.41) == []


def test_every_quote_is_a_slice_of_the_text() -> None:
    for mention in extracted(TAIWAN, HEADLINE, AGAIN, SUSPENDED, FULL, min_score=0):
        for part in mention.quotes.values():
            assert part.text == TEXT[part.start : part.end]


def test_documents_stay_apart_and_in_order() -> None:
    extractor = ClampdownExtractor(ScriptedTagger([FULL]))
    found = extractor.extract([DOCUMENT, Document("other", TEXT, None)])
    assert [[mention.document_id for mention in mentions] for mentions in found] == [["article"], ["other"]]
    assert found[1][0].date_value is None
    assert extractor.extract([]) == []


def test_the_revision_follows_the_tagger_and_marks_mentions() -> None:
    one, other = ClampdownExtractor(ScriptedTagger([FULL], "a")), ClampdownExtractor(ScriptedTagger([FULL], "b"))
    assert one.revision != other.revision
    assert one.revision == ClampdownExtractor(ScriptedTagger([], "a")).revision
    assert one.extract([DOCUMENT])[0][0].model == one.revision


def test_it_is_an_extractor() -> None:
    extractor: Extractor = ClampdownExtractor(ScriptedTagger([]))
    assert extractor.extract([DOCUMENT]) == [[]]


class TestMerging:
    def test_the_fullest_telling_stays(self) -> None:
        assert merge_mentions(normalized(AGAIN, FULL), TEXT) == normalized(FULL)

    def test_of_equally_full_tellings_the_likelier_stays(self) -> None:
        weaker = raw(Action.BAN, at("banned"), at("Italy's Garante"), at("DeepSeek", 1), score=0.6)
        assert merge_mentions(normalized(weaker, AGAIN), TEXT) == normalized(AGAIN)

    def test_one_measure_in_two_words_is_the_more_forceful(self) -> None:
        assert [mention.action for mention in merge_mentions(normalized(SUSPENDED, FULL), TEXT)] == [Action.BAN]

    def test_without_the_text_two_actions_are_two_events(self) -> None:
        assert len(merge_mentions(normalized(SUSPENDED, FULL))) == 2

    def test_other_actors_services_and_scopes_are_other_events(self) -> None:
        elsewhere = raw(Action.BAN, at("banned", 2), at("Taiwan"), at("DeepSeek", 3), scope=at("all users"), score=0.8)
        assert len(merge_mentions(normalized(FULL, TAIWAN), TEXT)) == 2
        assert len(merge_mentions(normalized(TAIWAN, elsewhere), TEXT)) == 2

    def test_nobody_and_somebody_are_two_actors(self) -> None:
        nobody = raw(Action.BAN, at("banned", 1), None, at("DeepSeek", 2), score=0.9)
        assert len(merge_mentions(normalized(FULL, nobody), TEXT)) == 2
        assert len(merge_mentions(normalized(nobody, nobody), TEXT)) == 1

    def test_other_dates_are_other_events(self) -> None:
        (first,) = normalized(FULL)
        later = replace(first, date_value="2025-03-01")
        vague = replace(first, date_value="2025-01")
        assert len(merge_mentions([first, later], TEXT)) == 2
        assert len(merge_mentions([first, vague], TEXT)) == 1

    def test_a_refusal_is_no_telling_of_the_act(self) -> None:
        (first,) = normalized(FULL)
        assert len(merge_mentions([first, replace(first, status=Status.REJECTED)], TEXT)) == 2
        assert len(merge_mentions([first, replace(first, status=Status.ANNOUNCED)], TEXT)) == 1

    def test_merging_again_changes_nothing_and_order_of_input_neither(self) -> None:
        mentions = normalized(TAIWAN, HEADLINE, AGAIN, SUSPENDED, FULL)
        merged = merge_mentions(mentions, TEXT)
        assert merge_mentions(merged, TEXT) == merged
        assert merge_mentions(mentions[::-1], TEXT) == merged


def test_the_public_record_has_exactly_the_promised_fields() -> None:
    (mention,) = extracted(FULL)
    record = passage_record("article", [mention])
    assert list(record) == ["id", "events"]
    assert record["events"][0] == {
        "action": "ban",
        "status": "in_force",
        "trigger": "banned",
        "actor": "Italy's Garante",
        "actor_canonical": "Garante per la protezione dei dati personali",
        "country": "IT",
        "service": "DeepSeek",
        "service_canonical": "DeepSeek",
        "scope": None,
        "scope_class": None,
        "date": "on Thursday",
        "date_value": "2025-01-30",
        "reason": "privacy",
        "reason_classes": ["privacy"],
        "score": 0.9,
        "scores": {},
        "offsets": {
            "trigger": [FULL.trigger.start, FULL.trigger.end],
            "actor": [at("Italy's Garante").start, at("Italy's Garante").end],
            "service": [FULL.service.start, FULL.service.end],
            "date": [at("on Thursday").start, at("on Thursday").end],
            "reason": [at("privacy").start, at("privacy").end],
        },
    }
    assert json.loads(json.dumps(record)) == record


def test_records_without_an_actor_say_null() -> None:
    nobody = raw(Action.BAN, at("banned", 1), None, at("DeepSeek", 2))
    record = event_record(normalize(DOCUMENT, nobody))
    assert (record["actor"], record["actor_canonical"], record["date"], record["reason_classes"]) == (
        None,
        None,
        None,
        [],
    )


def test_missing_weights_are_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        load_extractor(ExtractSettings(model=tmp_path))
    with pytest.raises(ModelError):
        model_revision(ExtractSettings(model=tmp_path))


@pytest.mark.parametrize("cut", [None, 0.1, 0.5])
def test_a_revision_is_known_without_opening_the_model(cut: float | None) -> None:
    settings = ExtractSettings(min_score=cut)
    assert model_revision(settings) == load_extractor(settings).revision
    assert (model_revision(settings) == model_revision(ExtractSettings())) is (cut is None)


def test_the_bundled_model_reads_a_plain_ban() -> None:
    extractor = load_extractor(ExtractSettings())
    text = "Taiwan bans DeepSeek\n\nTaiwan has banned DeepSeek on all government devices, citing security concerns."
    (found,) = extractor.extract([Document("a", text, date(2025, 2, 3))])
    assert any(m.service_canonical == "DeepSeek" and m.country == "TW" and m.action is Action.BAN for m in found)
    for mention in found:
        assert mention.model == extractor.revision
