"""Settings: who wins, and what is said about a mistake."""

from datetime import time
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.secrets import masked
from pipeline.settings import describe, load


def write(folder: Path, text: str) -> Path:
    path = folder / "clampdown.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_each_layer_wins_over_the_one_before(tmp_path: Path) -> None:
    path = write(tmp_path, "[fetch]\ntimeout = 5\nretries = 3\nhost_gap = 2\n")
    loaded = load(path, {"fetch.timeout": 7.0, "run.batch_size": None}, {"CLAMPDOWN_FETCH__RETRIES": "4"})
    fetch = loaded.settings.fetch
    assert (fetch.timeout, fetch.retries, fetch.host_gap, fetch.max_redirects) == (7.0, 4, 2.0, 5)
    assert loaded.origins["fetch.timeout"] == "flag"
    assert loaded.origins["fetch.retries"] == "CLAMPDOWN_FETCH__RETRIES"
    assert loaded.origins["fetch.host_gap"] == str(path)
    assert loaded.origins["fetch.max_redirects"] == "default"
    assert set(loaded.origins) == set(describe())


def test_a_list_comes_from_the_environment_as_words() -> None:
    loaded = load(None, None, {"CLAMPDOWN_FETCH__ALLOW_HOSTS": "localhost, 10.0.0.1:8080"})
    assert loaded.settings.fetch.allow_hosts == ("localhost", "10.0.0.1:8080")


def test_paths_are_relative_to_the_settings_file(tmp_path: Path) -> None:
    path = write(tmp_path, 'data_dir = "d"\n[extract]\nmodel = "weights"\n')
    settings = load(path, None, {}).settings
    assert settings.data_dir == tmp_path / "d"
    assert settings.sources == tmp_path / "sources.toml"
    assert settings.extract.model == tmp_path / "weights"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "# a note\n\n[fetch]\ntimeuot = 3\n",
            r"clampdown.toml, line 4: unknown setting fetch.timeuot",
            "fetch.timeout",
        ),
        ("dta_dir = 'x'\n", r"line 1: unknown setting dta_dir", "data_dir"),
        ("[run]\nbatch_size = 0\n", r"line 2: run.batch_size = 0: input should be greater", "transaction"),
        ("[fetch]\n\ntimeout = 'soon'\n", r"line 3: fetch.timeout = 'soon': input should be a valid number", "seconds"),
        ("fetch = 3\n", r"line 1: fetch = 3", None),
        (
            '[serve]\ntimezone = "Europe/Berlni"\n',
            r"line 2: serve.timezone = 'Europe/Berlni': there is no such time zone; did you mean Europe/Berlin\?",
            "the machine's",
        ),
        ('[serve]\ndigest_at = "25:00"\n', r"line 2: serve.digest_at = '25:00': this is no time of day", "digest"),
        ("[serve]\nmaintain_at = 7\n", r"line 2: serve.maintain_at = 7: this is no time of day", "maintenance"),
        ('[serve]\nmaintain_at = ""\n', r"line 2: serve.maintain_at = '': this is no time of day", "maintenance"),
        ('[serve]\nname = "a/b"\n', r"line 2: serve.name = 'a/b'", "deployments"),
        ("[serve]\nport = 0\n", r"line 2: serve.port = 0", "Prefect"),
        ('[alerts]\nwebhook = "example.org"\n', r"line 2: alerts.webhook = 'example.org'", "JSON"),
        ('[mail]\nsecurity = "ssl"\n', r"line 2: mail.security = 'ssl'.*starttls", "starttls"),
        ('[mail]\npassword_env = "A"\npassword_file = "b"\n', r"password_env and password_file are both set", None),
        ('[workers]\nrunner = "ray"\n', r"line 2: workers.runner = 'ray'", "Dask"),
        ("[fetch\n", r"not valid TOML.*line 1", None),
    ],
)
def test_a_mistake_in_the_file_names_key_file_and_line(
    tmp_path: Path, text: str, message: str, hint: str | None
) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        load(write(tmp_path, text), None, {})
    if hint:
        assert hint in (caught.value.hint or "")


def test_an_unknown_variable_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(SettingsError, match="CLAMPDOWN_FETCH__TIMEOT") as caught:
        load(None, None, {"CLAMPDOWN_FETCH__TIMEOT": "3"})
    assert caught.value.hint == "did you mean CLAMPDOWN_FETCH__TIMEOUT?"


def test_a_bad_variable_names_itself() -> None:
    with pytest.raises(SettingsError, match=r"CLAMPDOWN_FETCH__TIMEOUT: fetch\.timeout = 'soon'"):
        load(None, None, {"CLAMPDOWN_FETCH__TIMEOUT": "soon"})


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such settings file"):
        load(tmp_path / "other.toml", None, {})


def test_every_setting_is_described() -> None:
    assert all(describe().values())


def test_times_of_day(tmp_path: Path) -> None:
    path = write(tmp_path, '[serve]\ndigest_at = ""\nmaintain_at = 04:05:00\ntimezone = "Asia/Tokyo"\n')
    serve = load(path, None, {}).settings.serve
    assert (serve.digest_at, serve.maintain_at, serve.zone.key) == (None, time(4, 5), "Asia/Tokyo")
    serve = load(
        None, None, {"CLAMPDOWN_SERVE__DIGEST_AT": "6:30", "CLAMPDOWN_SERVE__MAINTAIN_AT": "23:59:30"}
    ).settings.serve
    assert (serve.digest_at, serve.maintain_at) == (time(6, 30), time(23, 59, 30))
    assert load(None, None, {}).settings.serve.model_dump()["digest_at"] == "07:00"
    assert load(None, None, {"CLAMPDOWN_SERVE__DIGEST_AT": ""}).settings.serve.digest_at is None


def test_the_file_of_a_password_lies_beside_the_settings(tmp_path: Path) -> None:
    path = write(tmp_path, '[mail]\npassword_file = "mail.password"\n[alerts]\nto = ["a@example.org"]\n')
    settings = load(path, None, {}).settings
    assert settings.mail.password_file == tmp_path / "mail.password"
    assert settings.alerts.to == ("a@example.org",)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ducklake:postgres:dbname=news password=hunter2 host=db", "password=*** host=db"),
        ("ducklake:postgres:dbname=news password='hunter2 \\' x' host=db", "password=*** host=db"),
        ("ducklake:postgres:postgresql://me:hunter2@db/news", "//me:***@db/news"),
    ],
)
def test_no_password_is_ever_shown(url: str, shown: str) -> None:
    assert shown in masked(url)
    assert "hunter2" not in masked(url)
    with pytest.raises(SettingsError) as refused:
        load(environ={"CLAMPDOWN_WAREHOUSE__URL": url, "CLAMPDOWN_WAREHOUSE__WRITER": "2"})
    assert "hunter2" not in str(refused.value)
