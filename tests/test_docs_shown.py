"""Every command, query and piece of code that README and docs show is run, in order, on the sample's data.

A page has a folder of its own, with a copy of the data. What can't be run here is read by the real command line all the
same, so that an option that is gone fails, and stands in `NOT_RUN` with the reason.
"""

import json
import re
import shutil
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from conftest import ROOT
from in_process import Done, clampdown
from mail_server import mail_server
from shown import OTHERS, Block, Call, calls, inline, of_language, parse, programs, shell_lines

from clampdown import cookbook
from pipeline.settings import Settings
from pipeline.sources import parse_sources
from pipeline.subscriptions import parse_subscriptions
from warehouse.query import connect_snapshot, run_sql

if TYPE_CHECKING:
    from flows.ingest import RunReport

NOT_RUN = {
    "serve": "runs until it is stopped: tests/test_serve.py",
    "dashboard": "the same: tests/test_dashboard_browser.py",
    "train": "needs torch, and minutes: tests/test_training.py",
    "prove": "each proof has a test of its short form",
    "run": "polls what is on the open web; `run --sample` is what all of this stands on",
    "sources add": "asks a site on the open web: tests/test_sources_add.py",
    "backfill": "the same: tests/test_backfill_cli.py",
    "migrate-to-lake": "needs Postgres: tests/test_lake.py",
    "lake": "the same",
    "outbox bounce": "needs a mail that was sent and came back: tests/test_bounces.py",
}
"""How a command begins, without the options before it → why it is not run."""
ENDS = {
    "outbox send": (6, "a reader's server says: later"),
    "outbox resend": (6, "the same"),
}
"""How a command ends where that is not with 0, and why."""
LATE = "late@example.org"
"""A reader whose server does not take mail just now."""
BEFORE = {
    "digest": [["subscriptions", "add", "desk", "--cadence", "at once", "--to", LATE], ["digest"]],
    "operations": [["backup", "var/backups/clampdown"]],
}
"""What an operator of a page has done before its first line."""
TELLING = ("correct-events", "tutorial")
"""Pages that name events of the sample by their ids."""
ALIKE = {
    "audit",
    "config",
    "doctor",
    "eval",
    "events",
    "export",
    "extract",
    "reextract",
    "rebuild",
    "report",
    "show",
    "sql",
    "status",
}
"""What only reads, or makes the same on every page: a line of it is run once, unless its output is shown."""
LEARNED = re.compile(r"\b\d{1,2} [A-Z][a-z]{2} (?:202[6-9]|20[3-9]\d)\b")
"""A day on which something was learned: the sample's news are older."""
EVENTS = ("426983dc", "0b6894c2", "f2b8e4b9")


def events(folder: Path, call: Call, number: int) -> str:
    """Another event each time that one is named in a line."""
    return EVENTS[number]


def decision(folder: Path, call: Call, number: int) -> str:
    told = json.loads(clampdown("review", "log", "--json", cwd=folder).stdout)
    return str(told[0]["id"])


def message(folder: Path, call: Call, number: int) -> str:
    """The one that waits."""
    told = json.loads(clampdown("outbox", "list", "--json", cwd=folder).stdout)
    return str(next(one["key"] for one in told if one["to"] == LATE))


def other_of_two(folder: Path, call: Call, number: int) -> str:
    """Those who are said to be two have not been said to be one before."""
    return EVENTS[2 if "different" in call.args else 1]


def article(folder: Path, call: Call, number: int) -> str:
    told = json.loads(clampdown("show", EVENTS[0], "--json", cwd=folder).stdout)
    return str(told["mentions"][0]["article"]["id"])


def address(folder: Path, call: Call, number: int) -> str:
    told = json.loads(clampdown("show", EVENTS[0], "--json", cwd=folder).stdout)
    return str(told["mentions"][1]["article"]["url"])


WORDS: dict[str, str | Callable[[Path, Call, int], str]] = {
    "EVENT": events,
    "[EVENT]": events,
    "5d1c": events,
    "8e77": other_of_two,
    "41aa": article,
    "https://example.org/news/7": address,
    "3f0c": decision,
    "DECISION": decision,
    "KEY": message,
    "GOLD.jsonl": "gold.jsonl",
    "20261122": "20",
    "…": "a reason",
}
"""What stands for something of the reader's own → what it is here. Absolute paths lie in the page's folder."""


class Shelf:
    """The folders in which the pages' commands run: one for each page, with a copy of the sample's data."""

    def __init__(self, sample: Path, folder: Path, mail_port: int) -> None:
        self._sample, self._folder, self._port = sample, folder, mail_port
        self._at: dict[Path, Path] = {}
        self._done: set[str] = set()

    def folder(self, page: Path) -> Path:
        """Where a page's commands run, made when it is first asked for."""
        return self._at.get(page) or self._furnished(page)

    def run(self, call: Call) -> Done | None:
        """Run a call in the folder of its page, or None where it was run before."""
        page, what = call.block.page, command_of(call)
        if what == "init":
            self._move(page)
        folder = self.folder(page)
        if what.split()[0] in ALIKE and call.block.output is None:
            if what in self._done:
                return None
            self._done.add(what)
        done = clampdown(*filled(call, folder), cwd=folder)
        if call.to:
            (folder / call.to).write_text(done.stdout, "utf-8")
        if what == "init":
            self._write(folder, ["clampdown.toml"])  # as it is when the reader has edited it
        return done

    def _move(self, page: Path) -> None:
        """Begin in an empty folder; what the first run would bring is there."""
        old, new = self.folder(page), self._folder / f"{page.stem}-own"
        new.mkdir()
        for name in ("clampdown-data", "sample-data"):
            (new / name).symlink_to(old / "sample-data")
        self._write(new, FILES.keys() - {"clampdown.toml", "sources.toml"})
        self._at[page] = new

    def _write(self, folder: Path, names: Iterable[str]) -> None:
        for name in names:
            (folder / name).write_text(FILES[name].replace("PORT", str(self._port)), "utf-8")

    def _furnished(self, page: Path) -> Path:
        folder = self._at[page] = self._folder / page.stem
        folder.mkdir()
        shutil.copytree(self._sample, folder / "sample-data", symlinks=True)
        (folder / "clampdown-data").symlink_to("sample-data")
        (folder / "published").symlink_to("sample-data/published")
        (folder / "docs").symlink_to(ROOT / "docs")
        self._write(folder, FILES)
        for line in BEFORE.get(page.stem, []):
            assert clampdown(*line, cwd=folder).returncode == 0
        return folder


GOLD = {
    "id": "mine-001",
    "published": "2025-02-06",
    "text": "Kestrel Bank told its staff on Monday not to use ChatGPT.",
    "events": [],
}
SETTINGS = """
[fetch]
contact = "desk@example.org"
[serve]
timezone = "Etc/UTC"
[mail]
host = "127.0.0.1"
port = PORT
security = "none"
sender = "desk@example.org"
unsubscribe_to = "desk@example.org"
[alerts]
to = ["desk@example.org"]
[retention]
pages_days = 30
"""
FILES = {
    "clampdown.toml": SETTINGS,
    "sources.toml": '[[source]]\nid = "kestrel-herald"\nname = "Kestrel Herald"\nurl = "https://www.kestrel.example/rss"\n',
    "article.html": "<html><title>A ban</title><body><p>Kestrel Bank barred its staff from ChatGPT.</p></body></html>",
    "notes.txt": "Kestrel Bank told its staff on Monday not to use ChatGPT.\n",
    "passages.jsonl": json.dumps({"id": "mine-001", "published": "2025-02-06", "text": GOLD["text"]}) + "\n",
    "found.jsonl": json.dumps({"id": "mine-001", "events": []}) + "\n",
    "gold.jsonl": json.dumps(GOLD | {"split": "dev"}) + "\n",
    "mine.opml": "",
    "feeds.opml": '<opml version="2.0"><body><outline type="rss" text="A" xmlUrl="https://a.example/rss"/></body></opml>',
}
"""What a reader would have beside the data."""


@pytest.fixture(scope="module")
def shelf(sample: "tuple[Path, RunReport]", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with mail_server() as server:
        server.refused[LATE] = "451 later"
        yield Shelf(sample[0], tmp_path_factory.mktemp("pages"), server.port)


@pytest.fixture(scope="module")
def is_read_alike(sample_snapshot: Path) -> bool:
    """Whether this run read in the sample what that of the committed pages did, as docs/queries.md notes it."""
    with connect_snapshot(sample_snapshot) as reader:
        return f"{cookbook.READING} {cookbook.reading(reader)} " in (ROOT / "docs" / "queries.md").read_text("utf-8")


def command_of(call: Call) -> str:
    """What follows the options before the command."""
    args = list(call.args)
    while args and args[0] in ("-d", "--data-dir", "-c", "--config"):
        del args[:2]
    return " ".join(args)


def end_of(call: Call) -> int:
    return next((code for start, (code, _) in ENDS.items() if command_of(call).startswith(start)), 0)


def why_not_run(call: Call) -> str | None:
    return next((start for start in NOT_RUN if re.match(rf"{start}(?! --sample)(?=\s|$)", command_of(call))), None)


SHOWN = list(calls())
RUN = [call for call in SHOWN if why_not_run(call) is None]


@pytest.mark.parametrize("page", sorted({call.block.page for call in RUN}), ids=lambda page: page.stem)
def test_what_a_page_shows_runs(page: Path, shelf: Shelf, is_read_alike: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if page.stem in TELLING and not is_read_alike:
        pytest.skip("the sample's usual ports were taken, or another processor rounds otherwise")
    monkeypatch.setenv("COLUMNS", "88")
    for call in [one for one in RUN if one.block.page == page]:
        done = shelf.run(call)
        if done is not None:
            assert done.returncode == end_of(call), f"{call}\n{done.stdout}\n{done.stderr}"
            if call.block.output is not None and call.is_last and is_read_alike:
                assert_shown(call, done.stdout)


def filled(call: Call, folder: Path) -> list[str]:
    seen: Counter[str] = Counter()
    words = []
    for word in call.args:
        value = WORDS.get(word, word)
        words.append(value if isinstance(value, str) else value(folder, call, seen[word]))
        seen[word] += 1
    return [word.lstrip("/") for word in words]


def assert_shown(call: Call, printed: str) -> None:
    printed, wanted = (
        re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", LEARNED.sub("some day", text))
        for text in (printed, call.block.output or "")
    )
    pattern = "".join(
        r"(?:.*\n)*?" if line == "…" else re.escape(line.rstrip()) + r" *\n" for line in wanted.splitlines()
    )
    assert re.fullmatch(r"\s*" + pattern + r"\s*", printed), f"{call}\n{printed}"


@pytest.mark.parametrize("call", [call for call in SHOWN if why_not_run(call)], ids=str)
def test_what_is_not_run_can_be_read(call: Call) -> None:
    parse([word if callable(value := WORDS.get(word, word)) else value for word in call.args])


def test_no_reason_is_given_for_nothing() -> None:
    assert NOT_RUN.keys() == {why_not_run(call) for call in SHOWN} - {None}
    assert all(any(command_of(call).startswith(start) for call in RUN) for start in ENDS)
    assert {call.block.page.stem for call in RUN} >= BEFORE.keys()
    assert {word for call in SHOWN for word in call.args} >= WORDS.keys()


def test_every_line_begins_with_a_program_that_is_known() -> None:
    for block in of_language("", "sh", "bash", "console"):
        for line in shell_lines(block):
            for words, _ in programs(line):
                assert (Path(words[0]).name or ".") in OTHERS, f"{block}: {line}"


TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_modules_and_targets_that_are_named_are_there() -> None:
    for block in of_language("", "sh", "bash", "console"):
        for line in shell_lines(block):
            for words, _ in programs(line):
                if words[0] == "make":
                    assert set(words[1:]) <= set(TARGETS), f"{block}: {line}"
                if words[0].startswith("python") and words[1:2] == ["-m"] and words[2] != "venv":
                    assert find_spec(words[2]) is not None, f"{block}: {line}"


PASSED = frozenset({"MissingParameter", "BadOptionUsage", "BadParameter", "NoArgsIsHelpError", "Exit"})
"""What a mention may leave out, that a call may not: `clampdown show` is a name, and not a line to be typed."""


def test_commands_that_a_sentence_mentions_exist() -> None:
    for page, args in inline():
        if "COMMAND" not in args:
            assert fault(args) in PASSED | {None}, f"{page.name}: clampdown {' '.join(args)}"


def fault(args: tuple[str, ...]) -> str | None:
    try:
        parse(args)
    except Exception as error:
        return type(error).__name__
    return None


@pytest.mark.parametrize("block", [one for one in of_language("sql") if one.page.stem != "schema"], ids=str)
def test_queries_can_be_asked(block: Block, sample_snapshot: Path) -> None:
    """Those of docs/queries.md with their results are held by tests/test_analyst_docs.py."""
    if "ATTACH" in block.text or block.page.name == "queries.md":
        assert "ducklake:" in block.text or block.text.rstrip() in {one.sql for one in cookbook.recipes()}
        return
    with connect_snapshot(sample_snapshot) as reader:
        for statement in re.split(r";[ \t]*(?:--.*)?$", block.text, flags=re.MULTILINE):
            if statement.strip() and not statement.startswith("."):
                run_sql(reader, statement)


@pytest.mark.parametrize("block", of_language("toml"), ids=str)
def test_settings_and_lists_are_valid(block: Block) -> None:
    told = tomllib.loads(block.text)
    name = str(block)
    if "source" in told:
        assert parse_sources(block.text, name=name)
    elif "subscription" in told:
        head = "" if isinstance(told["subscription"], list) else '[[subscription]]\nid = "a"\n'
        assert parse_subscriptions(head + block.text, name=name)
    else:
        Settings.model_validate(told)


@pytest.mark.parametrize("block", of_language("json", "yaml"), ids=str)
def test_data_can_be_read(block: Block) -> None:
    assert yaml.safe_load(block.text)


NOT_EXECUTED = {"analyst": "needs pandas and polars", "exports": "needs a data frame of the reader's"}
"""Page → why its Python is only compiled. That of docs/python.md is held by tests/test_api.py."""


@pytest.mark.parametrize("block", [one for one in of_language("python") if one.page.stem != "python"], ids=str)
def test_python_runs(block: Block, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    code = compile(block.text, str(block), "exec")
    if block.page.stem not in NOT_EXECUTED:
        monkeypatch.chdir(shelf.folder(block.page))
        exec(code, {})


def test_no_python_is_spared_for_nothing() -> None:
    assert {block.page.stem for block in of_language("python")} >= NOT_EXECUTED.keys()
