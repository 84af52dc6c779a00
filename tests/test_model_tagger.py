"""The bundled weights at work: plain events, odd texts, long documents, altered files."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from extractors.decode import RawMention
from extractors.encoder import Tagger
from extractors.extractor import ClampdownExtractor
from extractors.model import BUNDLED, ENCODER, FORMAT
from extractors.words import LONG
from pipeline.errors import ModelError
from pipeline.types import Action, Document, Status
from tests.test_extractor import ScriptedTagger

PLAIN = (
    "Norway blocks Chirpline over privacy\n"
    "Norway's data protection authority ordered the messaging app Chirpline blocked on Tuesday, citing concerns over "
    "the privacy of children. The company said it would appeal."
)
QUIET = (
    "Bakery wins prize for rye bread\nA family bakery in Lillehammer has won the national prize for rye bread. "
    "The jury praised its crust."
)


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger.load(threads=2)


def found(tagger: Tagger, text: str) -> list[RawMention]:
    return [m for m in tagger.tag([Document("d", text, date(2025, 2, 6))])[0] if m.score >= tagger.least]


def test_a_plain_event_is_found_with_its_parts(tagger: Tagger) -> None:
    events = found(tagger, PLAIN)
    assert events
    best = max(events, key=lambda m: m.score)
    assert best.action is Action.BLOCK
    assert best.status is Status.IN_FORCE
    assert best.service.text == "Chirpline"
    assert best.actor is not None
    assert "Norway" in best.actor.text


def test_one_act_of_two_countries_on_two_apps_is_four_events(tagger: Tagger) -> None:
    text = "Australia and Taiwan banned TikTok and WeChat from all government devices on Monday, citing security risks."
    pairs = {(m.actor.text if m.actor else None, m.service.text) for m in found(tagger, text)}
    assert pairs == {(a, s) for a in ("Australia", "Taiwan") for s in ("TikTok", "WeChat")}


def test_quotes_are_exact_slices(tagger: Tagger) -> None:
    text = "\u200bİtaly\u2019s   regulator\tblocked \u201cDeepSeek\u201d\r\n on  Tuesday 🚫, citing privacy\u00a0risks."
    for mention in tagger.tag([Document("d", text)])[0]:
        for quote in (mention.trigger, mention.service, mention.actor, mention.scope, mention.date, mention.reason):
            assert quote is None or (quote.text and text[quote.start : quote.end] == quote.text)


def test_quiet_and_empty_texts_hold_nothing(tagger: Tagger) -> None:
    assert found(tagger, QUIET) == []
    assert tagger.tag([Document("a", ""), Document("b", " \n\t "), Document("c", "…")]) == [[], [], []]
    assert tagger.tag([]) == []


@pytest.mark.parametrize("change", [str.lower, str.upper, lambda t: t.replace(",", "").replace(".", "")])
def test_case_and_punctuation_may_be_lost(tagger: Tagger, change: object) -> None:
    text = change(PLAIN)
    assert any(m.service.text.lower() == "chirpline" for m in found(tagger, text))


def test_many_documents_at_once_equal_one_by_one(tagger: Tagger) -> None:
    documents = [Document(str(i), text) for i, text in enumerate([PLAIN, QUIET, PLAIN * 12, "", PLAIN.upper()] * 3)]
    together = tagger.tag(documents)
    assert together == [tagger.tag([document])[0] for document in documents]


def test_an_event_deep_in_a_long_document_is_found(tagger: Tagger) -> None:
    filler = "The museum opened a new wing with paintings from the coast. Visitors came by boat and by train. "
    event = "On Friday Brazil's telecoms regulator Anatel blocked Telegram across the country. "
    text = "Weekend notes\n" + filler * 60 + event + filler * 60
    events = found(tagger, text)
    assert any(m.service.text == "Telegram" and m.trigger.start > 4000 for m in events)


def test_one_altered_byte_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(BUNDLED, folder)
    Tagger.load(folder)
    content = bytearray((folder / ENCODER).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / ENCODER).write_bytes(content)
    with pytest.raises(ModelError, match="altered"):
        Tagger.load(folder)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No model"):
        Tagger.load(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(ModelError, match="format"):
        Tagger.load(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"format": FORMAT, "files": {}}))
    with pytest.raises(ModelError, match="names no"):
        Tagger.load(tmp_path)


def test_the_revision_names_the_weights(tagger: Tagger) -> None:
    assert tagger.revision == Tagger.load(BUNDLED).revision
    assert tagger.revision.startswith("m")


def test_a_long_text_gives_what_its_parts_give_at_their_places(tagger: Tagger) -> None:
    quiet = "The committee met again and talked about the weather, the harvest and the new bridge. " * 12 + "\n\n"
    told = "Italy's data protection authority has blocked the chatbot DeepSeek over privacy concerns.\n\n"
    text = "Minutes\n" + quiet * 40 + told + quiet * 40
    assert len(text) > LONG
    (found,) = tagger.tag([Document("long", text)])
    best = max(found, key=lambda mention: mention.score)
    assert "DeepSeek" in best.service.text
    assert text[best.trigger.start : best.trigger.end] == best.trigger.text
    assert text.index(told) <= best.trigger.start < text.index(told) + len(told)
    (mention,) = ClampdownExtractor(ScriptedTagger([best]), 0).extract([Document("long", text)])[0]
    assert mention.country == "IT"
    assert mention.trigger == best.trigger
