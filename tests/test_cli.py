"""The command line: what it prints, what it refuses, what it does not import."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from in_process import clampdown

HEAVY = (
    "torch",
    "duckdb",
    "prefect",
    "transformers",
    "onnxruntime",
    "trafilatura",
    "feedparser",
    "aiohttp",
    "dateparser",
)


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, clampdown.main as m\n"
        "sys.argv = ['clampdown', '--help']\n"
        "try: m.main()\n"
        "except SystemExit: pass\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "LOADED []" in done.stdout
    for command in ("init", "run", "extract", "events", "show", "sql", "export", "config", "doctor", "sources"):
        assert command in done.stdout


def test_init_writes_files_that_load_and_never_overwrites(tmp_path: Path) -> None:
    assert clampdown("init", cwd=tmp_path).returncode == 0
    listed = clampdown("sources", "list", "--json", cwd=tmp_path)
    assert len(json.loads(listed.stdout)) >= 80
    shown = {row["key"]: row for row in json.loads(clampdown("config", "--json", cwd=tmp_path).stdout)}
    assert shown["fetch.timeout"]["origin"] == "default"
    again = clampdown("init", cwd=tmp_path)
    assert again.returncode == 2
    assert "already there" in again.stderr
    assert "--force" in again.stderr


def test_every_default_in_the_written_settings_file_is_the_default(tmp_path: Path) -> None:
    """Uncommenting every line changes no value."""
    clampdown("init", cwd=tmp_path)
    before = json.loads(clampdown("config", "--json", cwd=tmp_path).stdout)
    path = tmp_path / "clampdown.toml"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line[2:] if line.startswith("# ") and " = " in line else line for line in lines))
    after = {row["key"]: row["value"] for row in json.loads(clampdown("config", "--json", cwd=tmp_path).stdout)}
    assert after == {row["key"]: row["value"] for row in before}


def test_a_bad_setting_is_one_line_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "clampdown.toml").write_text("[fetch]\ntimeuot = 3\n")
    done = clampdown("config", cwd=tmp_path)
    assert done.returncode == 2
    assert "clampdown.toml, line 2: unknown setting fetch.timeuot" in done.stderr
    assert "did you mean fetch.timeout?" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("extract",), "name files"),
        (("extract", "absent.txt"), "absent.txt"),
        (("extract", "--passages", "absent.jsonl"), "absent.jsonl"),
        (("sources", "list"), "sources.toml"),
        (("events",), "published"),
        (("-c", "absent.toml", "config"), "absent.toml"),
    ],
)
def test_bad_input_names_itself(tmp_path: Path, args: tuple[str, ...], message: str) -> None:
    done = clampdown(*args, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_opml_goes_out_and_comes_back(tmp_path: Path) -> None:
    clampdown("init", cwd=tmp_path)
    assert clampdown("sources", "export", "out.opml", cwd=tmp_path).returncode == 0
    (tmp_path / "sources.toml").unlink()
    done = clampdown("sources", "import", "out.opml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    again = clampdown("sources", "import", "out.opml", cwd=tmp_path)
    assert "0 added" in again.stdout
