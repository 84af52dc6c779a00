"""`clampdown` with the LLM backend on: settings file in, events out, faults told, nothing lost."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chatserver import Asked, ChatServer, Say, completion, events, refusal
from in_process import clampdown

from clampdown.sample_site import SampleSite
from flows.house import open_house
from flows.ingest import ingest
from pipeline.errors import EndpointError
from pipeline.settings import ExtractSettings, FetchSettings, LLMSettings, Settings
from pipeline.types import Outcome

MAIN = "from clampdown.main import main; main()"
KEY = "sk-test-0123456789abcdef"
EVENT = {
    "sentence": 1,
    "trigger": "bans",
    "action": "ban",
    "status": "in_force",
    "actor": "taiwan",
    "service": "“DeepSeek”",
    "scope": "all devices of the Moon",
    "date": None,
    "reason": None,
    "reason_classes": [],
    "confidence": 1,
}


def answer(asked: Asked) -> Say:
    """Give up on passage "b", find an event wherever Taiwan bans."""
    if "Part b" in asked.user:
        return completion("Sorry?")
    return events(EVENT) if "Taiwan bans DeepSeek" in asked.user else events()


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(answer) as running:
        yield running


@pytest.fixture
def folder(server: ChatServer, tmp_path: Path) -> Path:
    (tmp_path / "clampdown.toml").write_text(
        f'[extract]\nbackend = "llm"\n\n[extract.llm]\nendpoint = "{server.url}"\nmodel = "test-model"\n'
        'key_env = "TEST_LLM_KEY"\nretries = 0\ninput_price = 1\noutput_price = 4\n'
    )
    rows = ({"id": n, "published": "2025-02-04", "text": f"Taiwan bans DeepSeek. Part {n}."} for n in ("a", "b", "c"))
    (tmp_path / "passages.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "note.txt").write_text("Taiwan bans DeepSeek.")
    return tmp_path


def start(folder: Path, *args: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, *args],
        cwd=folder,
        env=os.environ | {"TEST_LLM_KEY": KEY},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell's background job ignores interrupts, and so would every process that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_extract_prints_events_failures_and_usage(
    folder: Path, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_LLM_KEY", KEY)
    done = clampdown("extract", "--passages", "passages.jsonl", "--verbose", cwd=folder)
    out, err = done.stdout, done.stderr
    assert done.returncode == 5, err
    one, failed, other = map(json.loads, out.splitlines())
    (event,) = one["events"]
    assert (event["service"], event["actor"], event["country"], event["scope"]) == ("DeepSeek", "Taiwan", "TW", None)
    assert event["offsets"] == {"trigger": [7, 11], "actor": [0, 6], "service": [12, 20]}
    assert (failed["id"], failed["events"]) == ("b", [])
    assert "can't be read: not valid JSON" in failed["error"]
    assert other["events"]
    assert f"{server.url}/chat/completions" in err
    assert "4 calls, 0 answers from the cache; 4,000 tokens in and 400 out; cost 0.0056" in err
    assert "1 texts without a usable answer; 2 invented quotes of single fields dropped" in err
    assert KEY not in out + err
    assert len(list((folder / "clampdown-data" / "llm-cache").rglob("*.json"))) == 2


def test_an_interrupt_ends_at_once(folder: Path, server: ChatServer) -> None:
    server.script = lambda asked: Say(delay=60)
    process = start(folder, "extract", "note.txt")
    deadline = time.monotonic() + 120
    while not server.asked and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_the_default_backend_imports_nothing_of_the_other() -> None:
    code = "import sys, extractors.extractor\nassert not {'httpx', 'extractors.llm'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    with SampleSite(port=0) as served:
        yield served


class TestRun:
    @pytest.fixture
    def settings(self, server: ChatServer, site: SampleSite, tmp_path: Path) -> Settings:
        llm = LLMSettings(endpoint=server.url, model="test-model", retries=0, cache=tmp_path / "cache")
        return Settings(
            data_dir=tmp_path / "data",
            fetch=FetchSettings(allow_hosts=site.allow_hosts, host_gap=0, timeout=site.patience, retries=0),
            extract=ExtractSettings(backend="llm", llm=llm),
        )

    def test_an_endpoint_that_refuses_leaves_all_pending_and_a_later_run_goes_on(
        self, settings: Settings, server: ChatServer, site: SampleSite
    ) -> None:
        sources = site.sources()[:2]
        server.script = lambda asked: refusal(401, "no")
        with pytest.raises(EndpointError), open_house(settings) as house:
            ingest(house, sources)
        answered = iter([Say(400, b"{}")])
        server.script = lambda asked: next(answered, events())
        with open_house(settings) as house:
            pending = house.warehouse.count_pending()
            report = ingest(house, sources)
            assert house.meter is not None
            assert house.meter.total.failed == 1
        assert pending > 0
        assert sum(report.summary.outcomes.values()) == pending
        assert report.summary.outcomes[Outcome.QUARANTINED] == 1
        assert report.summary.outcomes[Outcome.NO_EVENT] > 0
