"""What is asked and what is believed: excerpts, schema, answers, and quotes held against the text."""

import json
import unicodedata
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.folding import key
from extractors.llm.answers import UNCALIBRATED, AnswerError, Claim, Grounded, ground, read_answer
from extractors.llm.excerpts import excerpts
from extractors.llm.prompting import answer_schema, guidelines, request_body
from extractors.llm.quotes import QuotedText
from pipeline.settings import LLMSettings
from pipeline.types import Action, Document, ReasonClass, Status

TEXT = (
    "Taiwan bans DeepSeek\n\n"
    "Taiwan's Ministry of Digital Affairs banned “DeepSeek” on  government devices on Monday, citing "
    "security concerns. Urban planners shrugged. Later the ministry banned TikTok, too."
)


def quoted(text: str) -> QuotedText:
    return QuotedText(text, [(0, len(text))])


class TestQuotes:
    @pytest.mark.parametrize(
        ("words", "slice_"),
        [
            ("banned", "banned"),
            ("government devices", "government devices"),
            ("the government devices.", "government devices"),
            ("GOVERNMENT  DEVICES", "government devices"),
            ("on government devices", "on  government devices"),
            ("Taiwan’s Ministry of Digital Affairs", "Taiwan's Ministry of Digital Affairs"),
            ('"DeepSeek"', "DeepSeek"),
            ("deepseek", "DeepSeek"),
            ("Dеepseek", "DeepSeek"),  # a Cyrillic е
            ("banned DeepSeek", "banned “DeepSeek"),
        ],
    )
    def test_what_is_in_the_text_is_found_as_it_stands_there(self, words: str, slice_: str) -> None:
        found = quoted(TEXT).find(words, (0, 0))
        assert found is not None
        assert found.text == slice_ == TEXT[found.start : found.end]

    @pytest.mark.parametrize("words", ["", " ", "…", "the", "an", "WeChat", "ban", "rban", "banned WeChat", "Deep"])
    def test_what_is_not_or_only_inside_a_word_is_not_found(self, words: str) -> None:
        assert quoted(TEXT).find(words, (0, 0)) is None

    def test_the_occurrence_nearest_is_meant(self) -> None:
        text = quoted(TEXT)
        assert text.find("DeepSeek", (0, 6)).start == TEXT.index("DeepSeek")
        late = TEXT.index("citing")
        assert text.find("DeepSeek", (late, late)).start == TEXT.rindex("DeepSeek")
        assert text.find("BANNED", (len(TEXT), len(TEXT))).start == TEXT.rindex("banned")

    def test_only_what_was_shown_is_looked_at(self) -> None:
        assert QuotedText(TEXT, [(0, 20)]).find("Monday", (0, 0)) is None

    @given(st.text(max_size=60), st.text(max_size=12))
    def test_a_quote_is_a_slice_and_holds_what_was_asked_for(self, text: str, words: str) -> None:
        for found in quoted(text).find_all(words):
            assert found.text == text[found.start : found.end]
            assert found.start < found.end
            wanted = key(words).split()
            assert wanted == [] or wanted[-1] in key(found.text)

    @given(st.data())
    def test_words_survive_what_models_do_to_them(self, data: st.DataObject) -> None:
        alphabet = st.characters(codec="utf-8", categories=("L", "Nd"))
        words = data.draw(st.lists(st.text(alphabet, min_size=2, max_size=6), min_size=1, max_size=8))
        gaps = data.draw(st.lists(st.sampled_from((" ", "  ", "\n", ", ", " “", "”, ", "’ ")), min_size=8, max_size=8))
        text = "".join(word + gap for word, gap in zip(words, gaps, strict=False))
        first = data.draw(st.integers(0, len(words) - 1))
        last = data.draw(st.integers(first + 1, len(words)))
        wanted = " ".join(words[first:last])
        if not key(wanted) or key(wanted).split()[0] in ("a", "an", "the"):
            return
        mangled = data.draw(st.sampled_from((str, lambda s: s.replace(" ", "\t "), lambda s: f"“{s}”.")))(wanted)
        found = quoted(text).find(mangled, (0, 0))
        assert found is not None
        assert key(found.text) == key(wanted)

    @given(st.text(max_size=80), st.text(alphabet="qzx", min_size=3, max_size=5))
    def test_inventions_are_never_found(self, text: str, words: str) -> None:
        if key(words) not in key(text).split():
            assert quoted(text).find(words, (0, 0)) is None


class TestExcerpts:
    @given(
        st.lists(
            st.sampled_from(("A ban. ", "No! ", "x" * 700, "word " * 150, "\n\n", " ", "\u200b", "Why? Yes. ")),
            max_size=40,
        ),
        st.booleans(),
    )
    def test_every_character_is_shown_and_every_place_owned_once(self, parts: list[str], headed: bool) -> None:
        text = ("Headline of the day\n\n" if headed else "") + "".join(parts)
        found = excerpts(Document("a", text), 1000)
        shown = {place for one in found for start, end in one.sentences for place in range(start, end)}
        assert all(char.isspace() for place, char in enumerate(text) if place not in shown)
        assert (found[0].own_start, found[-1].own_end) == (0, len(text)) if found else not text.strip()
        for one, following in pairwise(found):
            assert one.own_end == following.own_start
        for one in found:
            assert sum(end - start for start, end in one.sentences) <= 1000
            assert one.own_start == one.own_end or (one.start <= one.own_end and one.own_start <= one.end)

    def test_later_excerpts_show_the_headline_and_overlap(self) -> None:
        text = "Taiwan bans DeepSeek\n\n" + "".join(f"Sentence number {n} says little. " for n in range(100))
        first, second, *_ = excerpts(Document("a", text), 1000)
        assert first.headline is None
        assert second.headline == (0, len("Taiwan bans DeepSeek"))
        assert second.start < first.end
        body = request_body(second, None, LLMSettings(model="m"))
        assert "Headline, for context only: Taiwan bans DeepSeek" in body["messages"][1]["content"]

    def test_a_megabyte_without_a_full_stop_is_cut_in_time(self) -> None:
        found = excerpts(Document("a", "ban " * 250_000), 6000)
        assert 150 < len(found) < 400


class TestPrompt:
    def test_the_schema_is_strict_and_made_of_the_enumerations(self) -> None:
        schema = answer_schema()
        event = schema["properties"]["events"]["items"]
        for closed in (schema, event):
            assert closed["additionalProperties"] is False
            assert closed["required"] == list(closed["properties"])
        assert set(event["properties"]) == set(Claim.model_fields)
        assert event["properties"]["action"]["enum"] == [action.value for action in Action]
        assert event["properties"]["reason_classes"]["items"]["enum"] == [reason.value for reason in ReasonClass]

    def test_the_guidelines_name_every_class(self) -> None:
        for name in (*Action, *Status, *ReasonClass, *Claim.model_fields):
            assert name in guidelines()

    def test_date_and_numbered_sentences_are_given(self) -> None:
        (excerpt,) = excerpts(Document("a", TEXT), 6000)
        body = request_body(excerpt, date(2025, 2, 4), LLMSettings(model="m"))
        system, user = (message["content"] for message in body["messages"])
        assert user.splitlines()[0] == "Published: Tuesday 4 February 2025"
        assert "[1] Taiwan bans DeepSeek\n[2] Taiwan's Ministry" in user
        assert "[3] Urban planners shrugged." in user
        assert "additionalProperties" not in system
        assert (body["temperature"], body["max_tokens"]) == (0, 4096)
        assert body["response_format"]["json_schema"]["strict"] is True

    def test_a_server_without_schemas_is_told_in_words(self) -> None:
        (excerpt,) = excerpts(Document("a", TEXT), 6000)
        settings = LLMSettings(model="m", response_format="none", temperature=None, max_tokens=None)
        body = request_body(excerpt, None, settings)
        assert "additionalProperties" in body["messages"][0]["content"]
        assert set(body) == {"model", "messages", "stream"}


CLAIM = {
    "sentence": 2,
    "trigger": "banned",
    "action": "ban",
    "status": "in_force",
    "actor": "Taiwan's Ministry of Digital Affairs",
    "service": "DeepSeek",
    "scope": "government devices",
    "date": "on Monday",
    "reason": "security concerns",
    "reason_classes": ["security", "security"],
    "confidence": 0.9,
}


def grounded(*claims: dict[str, object]) -> Grounded:
    (excerpt,) = excerpts(Document("a", TEXT), 6000)
    return ground(read_answer(json.dumps({"events": [CLAIM | claim for claim in claims]})), excerpt)


class TestAnswers:
    def test_a_claim_becomes_a_mention_with_exact_quotes(self) -> None:
        ((mention,), events, fields) = (lambda g: (g.mentions, g.invented_events, g.invented_fields))(grounded({}))
        assert (mention.action, mention.status) == (Action.BAN, Status.IN_FORCE)
        assert mention.actor is not None
        assert mention.actor.text == "Taiwan's Ministry of Digital Affairs"
        assert mention.service.start == TEXT.rindex("DeepSeek")
        assert mention.reason_classes == (ReasonClass.SECURITY,)
        assert (mention.score, dict(mention.scores)) == (UNCALIBRATED, {"stated": 0.9})
        assert (events, fields) == (0, 0)

    def test_the_stated_sentence_tells_which_trigger_is_meant(self) -> None:
        (second,) = grounded({"sentence": 4, "service": "TikTok"}).mentions
        assert second.trigger.start == TEXT.rindex("banned")
        (lost,) = grounded({"sentence": 99}).mentions
        assert lost.trigger.start == TEXT.index("banned")

    @pytest.mark.parametrize("field", ["trigger", "service"])
    def test_an_event_with_an_invented_trigger_or_service_is_dropped_and_counted(self, field: str) -> None:
        assert grounded({field: "outlawed WeChat"}) == Grounded([], 1, 0)

    @pytest.mark.parametrize("field", ["actor", "scope", "date", "reason"])
    def test_an_invented_detail_is_dropped_and_counted(self, field: str) -> None:
        found = grounded({field: "Ministry of Silly Walks"})
        assert getattr(found.mentions[0], field) is None
        assert found.mentions[0].reason_classes == (() if field == "reason" else (ReasonClass.SECURITY,))
        assert (found.invented_events, found.invented_fields) == (0, 1)

    @pytest.mark.parametrize("nothing", [None, "", "  "])
    def test_what_is_not_stated_is_not_invented(self, nothing: str | None) -> None:
        found = grounded({"actor": nothing, "scope": nothing, "date": nothing, "reason": nothing})
        assert found.invented_fields == 0
        assert found.mentions[0].actor is None

    def test_a_trigger_belongs_to_one_excerpt(self) -> None:
        text = "Taiwan bans DeepSeek\n\n" + "".join(f"Country {n} banned TikTok on day {n}. " for n in range(100))
        found = excerpts(Document("a", text), 1000)
        claims = [
            Claim(
                sentence=None,
                trigger=f"Country {n} banned",
                action=Action.BAN,
                status=Status.IN_FORCE,
                service="TikTok",
            )
            for n in range(100)
        ]
        triggers = [m.trigger.text for one in found for m in ground(claims, one).mentions]
        assert sorted(triggers) == sorted(claim.trigger for claim in claims)

    @pytest.mark.parametrize(
        "wrapped",
        [
            "{}",
            " \n{}\n",
            "```json\n{}\n```",
            "Here you are:\n```\n{}\n```\nAnything else?",
            "<think>Perhaps ```json\n{{}}\n``` ?</think>\n{}",
        ],
    )
    def test_wrapping_is_taken_off(self, wrapped: str) -> None:
        assert len(read_answer(wrapped.format(json.dumps({"events": [CLAIM]})))) == 1

    @pytest.mark.parametrize("told", [None, "high", -1, 90, float("nan"), True])
    def test_a_confidence_that_is_none_says_nothing(self, told: object) -> None:
        assert grounded({"confidence": told}).mentions[0].scores == {}

    @pytest.mark.parametrize(
        ("content", "fault"),
        [
            ("", "not valid JSON"),
            ("I found no events.", "not valid JSON"),
            ('{"events": [', "not valid JSON"),
            ("[" * 100_000, "not valid JSON"),
            ("[]", "the answer"),
            ("{}", "events"),
            ('{"events": [{}]}', "events.0.trigger"),
            (json.dumps({"events": [CLAIM | {"action": "outlaw"}]}), "events.0.action"),
            (json.dumps({"events": [CLAIM | {"service": None}]}), "events.0.service"),
        ],
    )
    def test_what_is_no_answer_says_why(self, content: str, fault: str) -> None:
        with pytest.raises(AnswerError, match=fault):
            read_answer(content)

    @given(
        st.lists(st.fixed_dictionaries({"trigger": st.text(max_size=20), "service": st.text(max_size=20)}), max_size=4)
    )
    def test_nothing_that_a_model_says_breaks_it(self, told: list[dict[str, object]]) -> None:
        found = grounded(*told)
        assert len(found.mentions) + found.invented_events == len(told)
        for mention in found.mentions:
            assert mention.trigger.text == TEXT[mention.trigger.start : mention.trigger.end]
            assert not unicodedata.category(mention.service.text[0]).startswith("P")
