"""What the doctor finds, and that it changes nothing; what `--version` says; what the shell is offered."""

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from in_process import clampdown

from clampdown import completion, versions
from clampdown.doctor import data, house, machine, network
from clampdown.doctor.finding import made
from extractors.extractor import model_revision
from pipeline.archive_files import TEMPORARY
from pipeline.settings import LoadedSettings, load
from pipeline.settings_sections import ExtractSettings
from warehouse.schema import SCHEMA_VERSION


def at(folder: Path, **flags: object) -> LoadedSettings:
    given = {key.replace("__", "."): value for key, value in flags.items()}
    return load(None, {"data_dir": folder, "sources": folder / "sources.toml", **given}, {})


def test_the_doctor_goes_over_all_and_sums_up(tmp_path: Path) -> None:
    done = clampdown("doctor", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    found = {check["name"]: check for check in json.loads(done.stdout)}
    assert {check["group"] for check in found.values()} == {"this machine", "settings", "extraction", "data"}
    assert found["sources"]["state"] == "warn"
    assert "clampdown init" in found["sources"]["hint"]
    assert found["model"]["detail"].startswith(f"revision {model_revision(ExtractSettings())}")
    assert "DuckDB" in found["python"]["detail"]
    assert list(tmp_path.iterdir()) == [], "nothing was changed"


def test_bad_settings_are_a_finding_and_the_machine_is_looked_at_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "clampdown.toml").write_text("[fetch]\ntimeuot = 3\n")
    done = clampdown("doctor", cwd=tmp_path)
    assert done.returncode == 1
    assert "FAIL  settings      clampdown.toml, line 2: unknown setting fetch.timeuot" in done.stdout
    assert "did you mean fetch.timeout?" in done.stdout
    assert "ok    python" in done.stdout
    assert "1 that will fail." in done.stdout.splitlines()[-1]


def test_an_older_schema_is_told_and_not_brought_up(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as file_:
        file_.execute("CREATE TABLE schema_versions (version INTEGER, script VARCHAR, applied_at TIMESTAMP)")
        file_.execute("INSERT INTO schema_versions VALUES (3, 'x', now())")
    before = file.read_bytes()
    found = data.warehouse(at(tmp_path))
    assert (found.state, "schema 3" in found.detail) == ("warn", True)
    assert f"schema {SCHEMA_VERSION}" in (found.hint or "")
    assert file.read_bytes() == before
    with duckdb.connect(str(file)) as file_:
        file_.execute("UPDATE schema_versions SET version = 99")
    assert data.warehouse(at(tmp_path)).state == "fail"


def test_a_folder_of_something_else_and_what_was_left_behind(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    found = data.folder(at(tmp_path))
    assert (found.state, "holiday.jpg" in found.detail) == ("warn", True)
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / f"{TEMPORARY}1").write_bytes(b"x")
    assert data.folder(at(tmp_path)).state == "ok"
    (left,) = data.leftovers(at(tmp_path))
    assert (left.state, left.detail[:1]) == ("warn", "1")


def test_a_snapshot_that_can_be_read_has_an_age(sample_snapshot: Path, tmp_path: Path) -> None:
    found = data.snapshot(at(sample_snapshot.parent.parent))
    assert found.state == "ok"
    assert "events, published" in found.detail
    shutil.copytree(sample_snapshot.parent.resolve(), tmp_path / "published", symlinks=False)
    (tmp_path / "published" / "clampdown.duckdb").write_bytes(b"x")
    done = list(made("snapshot", data.snapshot, at(tmp_path)))
    assert done[0].state == "fail"


def test_ports_are_free_or_not(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (taken,) = machine.ports(at(tmp_path, dashboard__port=port, serve__port=1, serve__status_port=0))
    assert (taken.state, f"{port} (dashboard.port)" in taken.detail) == ("warn", True)


def test_few_open_files_are_too_few(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (machine.FEW_FILES - 1, hard))
        assert machine.files(at(tmp_path)).state == "warn"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert machine.files(at(tmp_path)).state == ("ok" if soft >= machine.FEW_FILES else "warn")


def test_memory_and_clock_are_held_against_the_settings(tmp_path: Path) -> None:
    assert machine.memory(at(tmp_path, workers__processes=1)).state == "ok"
    greedy = machine.memory(at(tmp_path, workers__processes=4, workers__memory_mb=10_000_000))
    assert (greedy.state, "workers.memory_mb" in (greedy.hint or "")) == ("warn", True)
    (tmp_path / "sources.toml").touch()
    os.utime(tmp_path / "sources.toml", (4_000_000_000, 4_000_000_000))
    (ahead,) = machine.clock(at(tmp_path))
    assert (ahead.state, "2096" in ahead.detail) == ("fail", True)


def test_extras_that_the_settings_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (none,) = house.extras(at(tmp_path))
    assert none.detail == "none is needed"
    monkeypatch.setattr(house, "find_spec", lambda name: None)
    (missing,) = house.extras(at(tmp_path, workers__runner="dask"))
    assert (missing.state, missing.hint) == ("fail", "pip install 'clampdown[dask]'")


def test_packages_are_those_that_go_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.packages(at(tmp_path)).state == "ok"
    monkeypatch.setattr(machine, "distribution", lambda name: SimpleNamespace(requires=["fastapi<0.1", "nothing-so"]))
    wrong = machine.packages(at(tmp_path))
    assert wrong.state == "fail"
    assert "fastapi" in wrong.detail
    assert "nothing-so is missing" in wrong.detail


def test_the_network_is_asked_only_when_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "http://no-such-host.invalid/feed"
    (tmp_path / "sources.toml").write_text(f'[[source]]\nid = "a"\nname = "A"\nurl = "{url}"\n')
    (found,) = network.names(at(tmp_path))
    assert (found.state, "none of 1" in found.detail) == ("fail", True)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert network.proxies(at(tmp_path)).state == "warn"


def test_the_version_names_the_model_without_loading_it() -> None:
    code = (
        "import sys, clampdown.main as m\n"
        "sys.argv = ['clampdown', '--version']\n"
        "try: m.main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('onnxruntime', 'numpy', 'duckdb', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, model, rest, loaded = done.stdout.splitlines()
    assert first == f"clampdown {versions.installed('clampdown')}"
    assert model_revision(ExtractSettings()).startswith(model.removeprefix("model "))
    assert f"DuckDB {duckdb.__version__}" in rest
    assert loaded == "[]"


# --- what the shell is offered ---


def offered(folder: Path, **options: object) -> SimpleNamespace:
    """As much of a context as completion looks at."""
    root = SimpleNamespace(params={"data_dir": folder, **options})
    return SimpleNamespace(find_root=lambda: root)


def test_the_shell_is_offered_what_there_is(sample_snapshot: Path, tmp_path: Path) -> None:
    here = offered(sample_snapshot.parent.parent)
    ids = completion.events(here, "")
    assert len(ids) > 100
    assert all(len(one) == 8 for one, _ in ids)
    assert completion.events(here, ids[0][0][:3])[0] in ids
    assert ("events", "") in completion.tables(here, "ev")
    assert "DeepSeek" in dict(completion.services(here, "deeps"))
    assert dict(completion.actions(here, "bl")) == {"block": ""}
    (tmp_path / "clampdown.toml").write_text("")
    clampdown("init", "--force", cwd=tmp_path)
    listed = {one["id"] for one in tomllib.loads((tmp_path / "sources.toml").read_text())["source"]}
    known = completion.sources(offered(tmp_path, config=tmp_path / "clampdown.toml"), "")
    assert {one for one, _ in known} == listed


def test_the_shell_is_told_nothing_where_something_fails(tmp_path: Path) -> None:
    (tmp_path / "clampdown.toml").write_text("[[[")
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "clampdown.duckdb").write_bytes(b"x")
    here = offered(tmp_path, config=tmp_path / "clampdown.toml")
    for offer in (completion.events, completion.tables, completion.sources):
        assert offer(here, "") == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes(sample_snapshot: Path, tmp_path: Path) -> None:
    """The real shell with the script that it is given, and a program that is found by its name."""
    program = tmp_path / "clampdown"
    program.write_text(f"#!{sys.executable}\nfrom clampdown.main import main\nmain()\n")
    program.chmod(0o755)
    script = f"""
        PATH={tmp_path}:$PATH
        eval "$(_CLAMPDOWN_COMPLETE=source_bash clampdown)"
        COMP_WORDS=(clampdown -d {sample_snapshot.parent.parent} show ""); COMP_CWORD=4
        _clampdown_completion clampdown; echo "${{#COMPREPLY[@]}} ${{#COMPREPLY[0]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    number, length = map(int, done.stdout.split())
    assert (number > 100, length) == (True, 8)
    assert done.stderr == ""
