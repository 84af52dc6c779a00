"""What is logged: lines for people and for collectors, and never a secret, whoever wrote what."""

import io
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import clampdown

from pipeline import logs
from pipeline.logs import about, hide, secrets_of, set_up
from pipeline.settings import Settings
from pipeline.settings_sections import AlertSettings, ExtractSettings, LLMSettings, LogSettings, MailSettings

LOG = logging.getLogger("pipeline.tried")
FOREIGN = logging.getLogger("foreign.tried")
TEXT, JSON = LogSettings(), LogSettings(format="json")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave no handler, level or secret behind."""
    root, process = logging.getLogger(), logs._process
    handlers, state = list(root.handlers), (process.who, process.run, process.style, process.terse, process.foreign)
    levels = {name: logging.getLogger(name).level for name in logs.OURS}
    yield
    root.handlers[:] = handlers
    process.who, process.run, process.style, process.terse, process.foreign = state
    process.secrets = ()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def logged(
    *words: object, log: logging.Logger = LOG, level: int = logging.WARNING, error: Exception | None = None
) -> str:
    out, root = io.StringIO(), logging.getLogger()
    # Without pytest's own handlers, which would report what is logged here.
    handlers = list(root.handlers)
    root.handlers[:] = [one for one in handlers if isinstance(one, logs.StandardError)]
    try:
        with redirect_stderr(out):
            log.log(level, *words, exc_info=error)
    finally:
        root.handlers[:] = handlers
    return out.getvalue()


def test_a_line_has_its_time_with_its_zone_and_says_who() -> None:
    set_up(TEXT, who="runner")
    assert logged("all %d begin", 3, level=logging.INFO).split(maxsplit=3)[2:] == ["info", "runner   all 3 begin\n"]
    with about("ingest", "run-1"):
        assert " ingest   here\n" in logged("here")
    assert " runner   there\n" in logged("there")


def test_a_person_at_a_terminal_reads_levels_and_words_alone() -> None:
    set_up(TEXT)
    assert logged("it is tidied later") == "warning: it is tidied later\n"
    with about("ingest"):
        assert logged("it is tidied later") == "warning: it is tidied later\n"


def test_levels_are_ours_and_others_are_heard_when_they_warn() -> None:
    set_up(TEXT, who="serve")
    FOREIGN.setLevel(logging.DEBUG)
    assert logged("no", level=logging.DEBUG) == ""
    assert logged("no", level=logging.INFO, log=FOREIGN) == ""
    assert logged("yes", log=FOREIGN).endswith("serve    foreign.tried: yes\n")
    set_up(LogSettings(level="debug"), who="serve")
    assert "yes" in logged("yes", level=logging.DEBUG)
    assert "yes" in logged("yes", level=logging.INFO, log=FOREIGN)
    set_up(TEXT, who="serve", least="warning")
    assert logged("no", level=logging.INFO) == ""


def test_what_breaks_in_others_is_one_line_and_what_breaks_in_us_is_whole() -> None:
    set_up(TEXT, who="serve")
    hide(["hunter2"])
    try:
        raise ValueError("denied: hunter2\nand much more")
    except ValueError as error:
        theirs, ours = logged("it failed:\n", log=FOREIGN, error=error), logged("it failed", error=error)
        flow = logged("it failed", log=logging.getLogger("prefect.flow_runs"), error=error)
    assert theirs.endswith("serve    foreign.tried: it failed: ValueError: denied: ***\n")
    for whole in (ours, flow):
        assert "    Traceback (most recent call last):\n" in whole
        assert whole.endswith("    ValueError: denied: ***\n    and much more\n")
    assert len(logged("x" * 5000, log=FOREIGN)) < 400
    set_up(LogSettings(level="debug"), who="serve")
    assert len(logged("x" * 5000, log=FOREIGN)) > 5000


def test_json_has_one_object_a_line() -> None:
    set_up(JSON, who="serve")
    with about("ingest", "run-1"):
        told = json.loads(logged("two\nlines \ud800 and %s", "an argument", error=ValueError("broken")))
    assert told["message"] == "two\nlines \ud800 and an argument"
    assert (told["level"], told["logger"], told["who"], told["run"]) == ("warning", "pipeline.tried", "ingest", "run-1")
    assert told["pid"] == os.getpid()
    assert told["time"].endswith("+00:00")
    assert told["error"] == "ValueError"
    assert "ValueError: broken" in told["traceback"]


@settings(max_examples=50)
@given(st.text())
def test_no_words_pass_for_a_line_of_their_own_or_steer_a_terminal(words: str) -> None:
    out = io.StringIO()
    set_up(TEXT, who="ingest")
    with redirect_stderr(out):
        LOG.warning("%s", words)
    first, *rest = out.getvalue()[:-1].split("\n")
    assert " warning ingest " in first
    assert all(line.startswith("    ") for line in rest)
    assert all(one.isprintable() or one in "\n\t" for one in out.getvalue())


@settings(max_examples=50)
@given(st.sampled_from(["text", "json"]), st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=6))
def test_a_known_secret_is_nowhere(form: str, secret: str) -> None:
    logs._process.secrets = ()
    set_up(LogSettings(format=form), who="ingest")
    hide([secret])
    out = io.StringIO()
    with redirect_stderr(out):
        LOG.warning("it is %s, they say: %s", secret, [secret])
        try:
            raise ValueError(f"denied: {secret}")
        except ValueError:
            LOG.exception("with %s", secret)
    assert secret not in out.getvalue().replace("ValueError", "")
    assert "***" in out.getvalue()


@pytest.mark.parametrize(
    "words",
    [
        "ducklake:postgres:dbname=news password=hunter2 host=db",
        "postgresql://me:hunter2@db/prefect",
        "Authorization: Bearer hunter2",
        "{'authorization': 'Basic hunter2'}",
        "https://api.example/v1?api_key=hunter2&q=1",
    ],
)
def test_what_looks_like_a_credential_is_hidden(words: str) -> None:
    set_up(TEXT)
    assert "hunter2" not in logged(words)
    assert "***" in logged(words)


def test_secrets_of_settings_and_environment(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from-a-file\n")
    settings = Settings(
        mail=MailSettings(password_file=file),
        alerts=AlertSettings(webhook="https://hooks.example/services/T0/B1/xyz?key=abcd"),
        extract=ExtractSettings(llm=LLMSettings(key_env="MY_KEY")),
    )
    environ = {"MY_KEY": "sk-key", "PREFECT_API_AUTH_STRING": "me:pass", "UNRELATED": "not-secret"}
    assert secrets_of(settings, environ) == ["sk-key", "me:pass", "from-a-file", "services/T0/B1/xyz", "key=abcd"]
    gone = settings.model_copy(update={"mail": MailSettings(password_env="MAIL_PASSWORD")})
    assert "in-a-variable" in secrets_of(gone, {"MAIL_PASSWORD": "in-a-variable"})
    unread = settings.model_copy(update={"mail": MailSettings(password_file=tmp_path / "absent")})
    assert "from-a-file" not in secrets_of(unread, {})


def test_config_shows_no_secret(tmp_path: Path) -> None:
    webhook, lake = "https://hooks.example/services/xyz", "ducklake:postgres:password=pw1234"
    text = f'[alerts]\nwebhook = "{webhook}"\n[warehouse]\nurl = "{lake}"\n'
    (tmp_path / "clampdown.toml").write_text(text)
    for shown in (clampdown("config", cwd=tmp_path).stdout, clampdown("config", "--json", cwd=tmp_path).stdout):
        assert "https://hooks.example/***" in shown
        assert "xyz" not in shown
        assert "pw1234" not in shown


def test_short_words_are_not_hidden_everywhere() -> None:
    set_up(TEXT)
    hide(["a", "is"])
    assert logged("this is a line") == "warning: this is a line\n"


def test_the_journal_is_told_levels_and_no_times(monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(TEXT, who="serve")
    with tempfile.TemporaryFile("w+") as journal:
        status = os.fstat(journal.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        with redirect_stderr(journal):
            LOG.error("it broke\nin two")
            LOG.info("it goes on")
        journal.seek(0)
        assert journal.read() == "<3>serve    it broke\n<3>    in two\n<6>serve    it goes on\n"
    assert not logged("elsewhere").startswith("<")


def test_arguments_that_do_not_fit_are_told_without_secrets() -> None:
    set_up(TEXT)
    hide(["hunter2"])
    assert logged("%d", "hunter2") == "warning: %d ('***',)\n"


def test_commands_show_warnings_alone_unless_told_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clampdown("config", cwd=tmp_path)
    assert logged("no", level=logging.INFO) == ""
    assert logged("yes") == "warning: yes\n"
    monkeypatch.setenv("CLAMPDOWN_LOG__LEVEL", "info")
    clampdown("config", cwd=tmp_path)
    assert logged("yes", level=logging.INFO) == "info: yes\n"


PREFECT = """
import logging, os, sys
from flows.serving import prefect_logs
from pipeline.settings_sections import LogSettings
os.environ.update(prefect_logs.environment(LogSettings(format="json")))
prefect_logs.begin("ingest")
import prefect.main
from prefect.logging.handlers import APILogHandler
from pipeline.logs import Masking, StandardError
assert [type(one) for one in logging.getLogger().handlers] == [StandardError]
for name in ("prefect.flow_runs", "prefect.task_runs", "flows", "pipeline"):
    for handler in logging.getLogger(name).handlers:
        assert isinstance(handler, APILogHandler), name
        assert any(isinstance(one, Masking) for one in handler.filters), name
assert logging.getLogger("flows").handlers
told = {"send_to_api": False}
logging.getLogger("prefect.flow_runs").warning("told by Prefect: postgresql://me:hunter2@db", extra=told)
logging.getLogger("flows.house").info("told by us")
"""


def test_prefect_logs_as_we_do(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CLAMPDOWN")}
    done = subprocess.run(
        [sys.executable, "-c", PREFECT],
        cwd=tmp_path,
        env=environ | {"PREFECT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [one["message"] for one in told] == ["told by Prefect: postgresql://me:***@db", "told by us"]
    assert {one["who"] for one in told} == {"ingest"}
