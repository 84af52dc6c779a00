"""The LLM backend against a real server on loopback that speaks the protocol, well and badly."""

import asyncio
import json
import logging
import socket
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from certificates import certificates, tls
from chatserver import Asked, ChatServer, Say, completion, events, in_turn, refusal

import pipeline.retrying
from extractors.extractor import load_extractor
from extractors.llm.answers import UNCALIBRATED
from extractors.llm.tagger import GIVE_UP, LLMTagger
from extractors.usage import Meter, Usage
from pipeline.errors import EndpointError, ExtractionError, SettingsError
from pipeline.settings import ExtractSettings, LLMSettings
from pipeline.types import Action, Document

KEY = "sk-test-0123456789abcdef"
EVENT = {
    "sentence": 2,
    "trigger": "banned",
    "action": "ban",
    "status": "in_force",
    "actor": "Taiwan",
    "service": "DeepSeek",
    "scope": None,
    "date": "on Monday",
    "reason": None,
    "reason_classes": [],
    "confidence": 0.8,
}


def document(name: str = "a") -> Document:
    return Document(name, f"Taiwan acts, part {name}\n\nTaiwan banned DeepSeek on Monday.", date(2025, 2, 4))


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(lambda asked: events(EVENT)) as running:
        yield running


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.retrying, "FIRST_PAUSE", 0.001)


def settings_for(server: ChatServer, **changes: Any) -> LLMSettings:
    return LLMSettings(**{"endpoint": server.url, "model": "test-model", "timeout": 5, "cache": None, **changes})


def tagger_for(server: ChatServer, key: str | None = None, **changes: Any) -> LLMTagger:
    return LLMTagger(settings_for(server, **changes), key)


def failing(server: ChatServer, **changes: Any) -> str:
    """The message of the EndpointError that one document meets, with its hint."""
    with pytest.raises(EndpointError) as caught:
        tagger_for(server, **changes).tag([document()])
    assert server.url in str(caught.value)
    return f"{caught.value} | {caught.value.hint}"


def break_for(name: str, bad: Say) -> Any:
    """A script that answers `bad` for one document and well for the others."""
    return lambda asked: bad if f"part {name}\n" in asked.user else events(EVENT)


class TestGood:
    def test_documents_become_mentions_by_the_same_way_as_the_model_s(self, server: ChatServer) -> None:
        extractor = load_extractor(ExtractSettings(backend="llm", llm=settings_for(server)))
        one, other, empty = extractor.extract([document("a"), document("b"), Document("c", " \n", None)])
        assert empty == []
        assert isinstance(one, list)
        assert isinstance(other, list)
        (mention,) = one
        assert (mention.action, mention.country, mention.service_canonical) == (Action.BAN, "TW", "DeepSeek")
        assert (mention.date_value, mention.score) == ("2025-02-03", UNCALIBRATED)
        assert mention.model == extractor.revision
        assert len(server.asked) == 2
        assert server.asked[0].path == "/v1/chat/completions"
        assert "Authorization" not in server.asked[0].headers

    def test_it_works_where_a_loop_is_running(self, server: ChatServer) -> None:
        async def caller() -> list[Any]:
            return tagger_for(server).tag([document()])

        assert len(asyncio.run(caller())[0]) == 1

    def test_requests_run_side_by_side_up_to_the_limit(self, server: ChatServer) -> None:
        server.script = lambda asked: Say(body=events(EVENT).body, delay=0.05)
        tagger_for(server, concurrency=3).tag([document(str(n)) for n in range(9)])
        assert server.busiest == 3

    def test_a_long_document_is_read_in_parts_and_each_event_once(self, server: ChatServer) -> None:
        text = "Taiwan acts\n\n" + "".join(f"In round {n} Taiwan banned DeepSeek again. " for n in range(120))

        def answer(asked: Asked) -> Say:
            numbers = [int(line[1 : line.index("]")]) for line in asked.user.splitlines() if "In round" in line]
            return events(*(EVENT | {"sentence": number, "date": None} for number in numbers))

        server.script = answer
        (found,) = tagger_for(server, window=1000).tag([Document("a", text)])
        assert isinstance(found, list)
        starts = [mention.trigger.start for mention in found]
        assert len(starts) == 120
        assert starts == sorted(set(starts))
        assert len(server.asked) > 4

    def test_tls_is_verified(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with ChatServer(lambda asked: events(EVENT), tls=tls(certificates(tmp_path)("127.0.0.1"))) as server:
            assert "certificate" in failing(server, key=KEY, retries=0).lower()
            assert server.asked == []
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
            assert len(tagger_for(server, KEY).tag([document()])[0]) == 1
            assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"


class TestFaultsOfOneDocument:
    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            (completion("I can't."), "not valid JSON"),
            (completion('{"events": [{"trigger": 1}]}'), "events.0"),
            (completion('{"events": [', finish="length"), "max_tokens"),
            (completion(None, finish="content_filter"), "refused"),
            (completion(None), "not valid JSON"),
            (refusal(400, "this model's maximum context length is 4096 tokens"), "context length"),
            (refusal(500, "the server had an error"), "status 500: the server had an error (2 tries)"),
            (Say(200, b"<html>no</html>"), "no chat completion"),
            (Say(200, b'{"choices": []}'), "no chat completion"),
            (Say(hang_up=True), "RemoteProtocolError"),
        ],
    )
    def test_the_others_are_read(self, server: ChatServer, bad: Say, message: str) -> None:
        server.script = break_for("b", bad)
        tagger = tagger_for(server, retries=1, concurrency=1)
        one, failed, other = tagger.tag([document("a"), document("b"), document("c")])
        assert [len(found) for found in (one, other) if isinstance(found, list)] == [1, 1]
        assert isinstance(failed, ExtractionError)
        assert failed.document_id == "b"
        assert message in str(failed)
        assert server.url in str(failed)
        assert tagger.meter.total.failed == 1

    def test_an_answer_that_can_t_be_read_is_asked_for_once_more(self, server: ChatServer) -> None:
        good = f"```json\n{json.dumps({'events': [EVENT]})}\n```"
        server.script = in_turn(completion("Surely: {'events'"), completion(good))
        tagger = tagger_for(server)
        assert len(tagger.tag([document()])[0]) == 1
        assert [asked.turns for asked in server.asked] == [2, 4]
        assert "not valid JSON" in server.asked[1].body["messages"][3]["content"]
        assert (tagger.meter.total.calls, tagger.meter.total.repaired) == (2, 1)

    def test_it_is_asked_for_no_third_time(self, server: ChatServer) -> None:
        server.script = lambda asked: completion("no")
        (failed,) = tagger_for(server).tag([document()])
        assert isinstance(failed, ExtractionError)
        assert len(server.asked) == 2

    def test_a_cut_off_answer_is_not_asked_for_again(self, server: ChatServer) -> None:
        server.script = lambda asked: completion('{"events"', finish="length")
        assert isinstance(tagger_for(server).tag([document()])[0], ExtractionError)
        assert len(server.asked) == 1

    @pytest.mark.parametrize("slow", [Say(delay=30), Say(body=b" " * 1000, drip=0.03)])
    def test_one_that_is_too_slow_is_given_up(self, server: ChatServer, slow: Say) -> None:
        server.script = break_for("b", slow)
        one, failed = tagger_for(server, timeout=2, retries=0).tag([document("a"), document("b")])
        assert isinstance(one, list)
        assert "no complete answer within 2 s (extract.llm.timeout)" in str(failed)


class TestFaultsOfAll:
    def test_nobody_listens(self, server: ChatServer) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            endpoint = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
            with pytest.raises(EndpointError, match=r"127.0.0.1:\d+/v1/chat/completions: can't connect: .*\(3 tries\)"):
                tagger_for(server, endpoint=endpoint, retries=2).tag([document()])

    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            (refusal(401, f"Incorrect API key provided: {KEY}"), "extract.llm.key_env"),
            (refusal(403, "no"), "extract.llm.key_env"),
            (refusal(402, "Insufficient Balance"), "no means left"),
            (refusal(404, "The model `test-model` does not exist"), "'test-model' a model there (extract.llm.model)"),
            (Say(404, b"404 page not found"), "extract.llm.endpoint"),
            (refusal(400, "'response_format.type' must be text"), "extract.llm.response_format"),
            (refusal(500, "failed to parse grammar"), "extract.llm.response_format"),
            (refusal(429, "slow down", retry_after="3600"), "left alone for 3600 s"),
            (Say(307, headers={"Location": "http://127.0.0.1:9/"}), "redirects are not followed"),
            (Say(200, b" " * 8_100_000), "passes 8,000,000 bytes"),
        ],
    )
    def test_the_first_one_ends_it(self, server: ChatServer, bad: Say, message: str) -> None:
        server.script = lambda asked: bad
        said = failing(server, key=KEY, concurrency=1)
        assert message in said
        assert KEY not in said
        assert len(server.asked) == 1

    def test_failures_that_heal_are_tried_again(self, server: ChatServer) -> None:
        server.script = in_turn(
            refusal(503, "loading model"), refusal(429, "slow", retry_after="0"), Say(hang_up=True), events(EVENT)
        )
        tagger = tagger_for(server)
        assert len(tagger.tag([document()])[0]) == 1
        assert len(server.asked) == 4
        assert tagger.meter.total.calls == 1

    def test_a_retry_after_is_waited_for_by_all(self, server: ChatServer) -> None:
        server.script = in_turn(refusal(429, "slow down", retry_after="1"), events(EVENT))
        tagger_for(server, concurrency=1).tag([document("a"), document("b")])
        first, *later = (asked.at for asked in server.asked)
        assert all(at - first >= 0.95 for at in later)

    def test_tries_are_bounded(self, server: ChatServer) -> None:
        server.script = lambda asked: refusal(429, "slow down")
        assert "(3 tries)" in failing(server, retries=2)
        assert len(server.asked) == 3

    def test_a_server_that_answers_nothing_is_left_after_a_few_documents(self, server: ChatServer) -> None:
        server.script = lambda asked: refusal(500, "broken")
        with pytest.raises(EndpointError, match="status 500: broken"):
            tagger_for(server, retries=0, concurrency=1).tag([document(str(n)) for n in range(50)])
        assert len(server.asked) == GIVE_UP

    def test_what_was_answered_before_is_not_paid_for_again(self, server: ChatServer, tmp_path: Path) -> None:
        server.script = break_for("b", refusal(401, "no"))
        both = [document("a"), document("b")]
        with pytest.raises(EndpointError):
            tagger_for(server, cache=tmp_path, concurrency=1).tag(both)
        server.script = lambda asked: events(EVENT)
        tagger = tagger_for(server, cache=tmp_path)
        assert all(isinstance(found, list) for found in tagger.tag(both))
        assert (tagger.meter.total.calls, tagger.meter.total.cached) == (1, 1)


class TestSettings:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"endpoint": ""}, "extract.llm.endpoint is not set"),
            ({"endpoint": "ftp://host/v1"}, "must be http"),
            ({"endpoint": "localhost:8080"}, "must be http"),
            ({"endpoint": f"https://user:{KEY}@host/v1"}, "without user name"),
            ({"endpoint": f"https://host/v1?key={KEY}"}, "query"),
            ({"endpoint": "http://api.example.org/v1", "key_env": "A_KEY"}, "unencrypted"),
            ({"model": ""}, "extract.llm.model is not set"),
            ({"key_env": "ABSENT_KEY"}, "names no environment variable"),
            ({"key_env": KEY}, "names no environment variable"),
            ({"key_env": "BAD_KEY"}, "characters that a header can't carry"),
        ],
    )
    def test_what_is_wrong_is_said_and_no_key_with_it(
        self, server: ChatServer, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], message: str
    ) -> None:
        monkeypatch.setenv("A_KEY", KEY)
        monkeypatch.setenv("BAD_KEY", f"{KEY}\nX-Evil: 1")
        with pytest.raises(SettingsError, match=message) as caught:
            LLMTagger.load(settings_for(server, **changes))
        assert KEY not in f"{caught.value} {caught.value.hint}"
        assert server.asked == []

    def test_the_key_is_sent_and_shows_nowhere(
        self, server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        monkeypatch.setenv("A_KEY", KEY)
        server.script = break_for("b", refusal(400, f"bad, {KEY}"))
        tagger = LLMTagger.load(settings_for(server, key_env="A_KEY", cache=tmp_path))
        found = tagger.tag([document("a"), document("b")])
        assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"
        assert isinstance(found[1], ExtractionError)
        kept = "".join(path.read_text() for path in tmp_path.rglob("*.json"))
        assert "banned" in kept
        for shown in (str(found), caplog.text, kept, tagger.revision, str(tagger.meter.total)):
            assert KEY not in shown

    def test_the_revision_follows_model_and_parameters(self, server: ChatServer) -> None:
        base = tagger_for(server).revision
        assert base.startswith("llm-test-model-")
        assert base == tagger_for(server, KEY, timeout=9, concurrency=1).revision
        changes: tuple[dict[str, Any], ...] = (
            {"model": "other"},
            {"temperature": 1},
            {"window": 2000},
            {"max_tokens": 9},
        )
        assert len({base, *(tagger_for(server, **change).revision for change in changes)}) == 5


class TestCache:
    def test_the_same_question_is_asked_once(self, server: ChatServer, tmp_path: Path) -> None:
        first = tagger_for(server, cache=tmp_path).tag([document()])
        again = tagger_for(server, cache=tmp_path)
        assert again.tag([document()]) == first
        assert len(server.asked) == 1
        assert again.meter.total == Usage(cached=1)

    @pytest.mark.parametrize(
        "changes", [{"model": "other"}, {"temperature": 0.5}, {"max_tokens": 100}, {"response_format": "json_object"}]
    )
    def test_another_question_is_asked_anew(self, server: ChatServer, tmp_path: Path, changes: dict[str, Any]) -> None:
        tagger_for(server, cache=tmp_path).tag([document()])
        tagger_for(server, cache=tmp_path, **changes).tag([document()])
        tagger_for(server, cache=tmp_path).tag([Document("a", document().text, date(2025, 2, 5))])
        assert len(server.asked) == 3

    @pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'"x"', b'{"key": 1}', None])
    def test_a_damaged_answer_is_fetched_again(self, server: ChatServer, tmp_path: Path, damage: bytes | None) -> None:
        first = tagger_for(server, cache=tmp_path).tag([document()])
        (path,) = tmp_path.rglob("*.json")
        whole = path.read_bytes()
        path.write_bytes(whole.replace(b"banned", b"barred") if damage is None else damage)
        assert tagger_for(server, cache=tmp_path).tag([document()]) == first
        assert len(server.asked) == 2
        assert json.loads(path.read_bytes())["content"] == json.loads(whole)["content"]
        assert list(tmp_path.rglob("*.new")) == []

    def test_a_failure_is_not_kept(self, server: ChatServer, tmp_path: Path) -> None:
        server.script = lambda asked: completion("no")
        tagger_for(server, cache=tmp_path).tag([document()])
        assert list(tmp_path.rglob("*.*")) == []

    def test_a_folder_that_can_t_be_written_costs_no_result(self, server: ChatServer, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        assert len(tagger_for(server, cache=tmp_path / "file").tag([document()])[0]) == 1


class TestUsage:
    def test_tokens_and_cost_are_counted(self, server: ChatServer) -> None:
        server.script = in_turn(events(EVENT, tokens=(2000, 500)), events(EVENT | {"actor": "Nobody"}, tokens=None))
        tagger = tagger_for(server, concurrency=1, input_price=0.5, output_price=2)
        tagger.tag([document("a"), document("b")])
        total = tagger.meter.total
        assert (total.calls, total.uncounted, total.input_tokens, total.output_tokens) == (2, 1, 2000, 500)
        assert total.cost == pytest.approx(0.002)
        assert total.invented_fields == 1
        assert "2,000 tokens in and 500 out; cost 0.0020" in str(total)
        assert "1 calls without a count of tokens" in str(total)

    def test_without_prices_the_cost_is_unknown(self, server: ChatServer) -> None:
        tagger = tagger_for(server)
        tagger.tag([document()])
        assert tagger.meter.total.cost is None
        assert "cost unknown" in str(tagger.meter.total)

    def test_threads_share_a_meter(self) -> None:
        meter = Meter()
        threads = [
            threading.Thread(target=lambda: [meter.add(Usage(calls=1, cost=0.5)) for _ in range(500)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert meter.total == Usage(calls=2000, cost=1000.0)
