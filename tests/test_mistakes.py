"""What newcomers get wrong, one by one: each is told in a line or two, with its cause and the way out."""

import errno
import io
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from in_process import Done, clampdown
from mail_server import odd_server

import extractors
from clampdown import main, mishaps
from clampdown.doctor import network
from clampdown.proofs.webserver import HTTPServer, Reply
from pipeline.errors import ArchiveError, WarehouseLocked, WorkersUnavailable
from pipeline.places import require_writable
from pipeline.settings import WorkerSettings, load
from pipeline.workers import WorkerPool
from warehouse.schema import SCHEMA_VERSION
from warehouse.schema_of import schema_of


def refused(done: Done, *said: str, code: int = 2) -> None:
    """The command ended so, with these words, in few lines, and without a traceback."""
    assert done.returncode == code, done.stderr + done.stdout
    for words in said:
        assert words in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 3, done.stderr


# --- settings ---


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[fetch\n", ("line 1, column 7", "Text stands in quotes")),
        ("[fetsh]\ntimeout = 3\n", ("line 1: unknown setting fetsh", "did you mean [fetch]?")),
        ("timeout = 3\n", ("unknown setting timeout", "fetch.timeout", "below the [table]")),
        ("[fetch]\ntimeuot = 3\n", ("line 2", "did you mean fetch.timeout?")),
        ("[fetch]\nqqq = 3\n", ("[fetch] has", "timeout")),
        ("fetch = 3\n", ("fetch is a table: write [fetch]",)),
        ('[fetch]\ntimeout = "soon"\n', ("line 2: fetch.timeout = 'soon'", "should be a valid number")),
        ('[serve]\ntimezone = "Europe/Berln"\n', ("did you mean Europe/Berlin?",)),
    ],
)
def test_a_slip_in_the_settings(tmp_path: Path, text: str, said: tuple[str, ...]) -> None:
    (tmp_path / "clampdown.toml").write_text(text, encoding="utf-8")
    refused(clampdown("config", cwd=tmp_path), *said)


def test_settings_of_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "clampdown.toml").write_bytes('data_dir = "ÄÖ"\n'.encode("utf-16"))
    refused(clampdown("config", cwd=tmp_path), "not UTF-8", "Save it as UTF-8")


def test_a_misspelt_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAMPDOWN_FETCH_TIMEOUT", "3")
    refused(clampdown("config", cwd=tmp_path), "CLAMPDOWN_FETCH_TIMEOUT", "did you mean CLAMPDOWN_FETCH__TIMEOUT?")


# --- the command line ---


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("events", "-d", "x"), "clampdown -d FOLDER events"),
        (("-c", "events", "show", "abcd", "--data-dir=x"), "clampdown --data-dir FOLDER show"),
        (("evnts",), "Did you mean 'events'?"),
    ],
)
def test_a_slip_on_the_command_line(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = clampdown(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_options_that_stand_where_they_should_are_not_reproached() -> None:
    assert mishaps.misplaced(["-d", "x", "events", "--limit", "0"]) is None
    assert mishaps.misplaced(["--data-dir=x", "events"]) is None
    assert mishaps.misplaced(["-d"]) is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "zzzz"), ("there is no event zzzz", "`clampdown events`")),
        (("show", "a"), ("too short", "4 characters")),
        (("events", "--service", "Depseek"), ("no service 'Depseek'", "DeepSeek")),
        (("events", "--status", "inforce"), ("no status 'inforce'", "in_force")),
        (("sql", "SELECT * FROM evnts"), ("evnts does not exist", "Nearest: events")),
        (("sql", "SELECT * FROM events WHERE country = 'IT"), ("unterminated quoted string",)),
        (("export", "x.foo"), ("no export format 'foo'", "csv")),
    ],
)
def test_a_slip_in_a_question(
    tmp_path: Path, sample_snapshot: Path, arguments: tuple[str, ...], said: tuple[str, ...]
) -> None:
    done = clampdown("-d", str(sample_snapshot.parent.parent), *arguments, cwd=tmp_path)
    assert done.returncode == 2
    for words in said:
        assert words in done.stderr
    assert "Traceback" not in done.stderr


# --- the data folder ---


@pytest.mark.parametrize("command", ["events", "status", "audit", "dashboard"])
def test_nothing_is_there_yet(tmp_path: Path, command: str) -> None:
    refused(clampdown(command, cwd=tmp_path), "clampdown-data", "`clampdown run --sample`")


def test_the_data_are_elsewhere(tmp_path: Path) -> None:
    data = tmp_path / "sample-data"
    (data / "published").mkdir(parents=True)
    (data / "warehouse.duckdb").touch()
    refused(clampdown("events", cwd=tmp_path), "`clampdown -d sample-data …`")
    refused(clampdown("-d", str(data / "published"), "events", cwd=tmp_path), f"-d {data}")
    refused(clampdown("-d", str(data / "warehouse.duckdb"), "events", cwd=tmp_path), "is a file")


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    refused(clampdown("-d", "data", "run", "--sample", cwd=tmp_path), "is a file, no folder", code=4)


@contextmanager
def as_nobody() -> Iterator[None]:
    """What is root's can't be written meanwhile."""
    if os.geteuid() != 0:
        pytest.skip("only root can turn into somebody else")
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_data_folder_of_somebody_else() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        with as_nobody(), pytest.raises(ArchiveError, match="can't be written to") as caught:
            require_writable(Path(name) / "data")
    assert "is root's, and you are nobody" in (caught.value.hint or "")


def test_a_warehouse_of_a_newer_version(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as file:
        file.execute("CREATE TABLE schema_versions (version INTEGER, script VARCHAR, applied_at TIMESTAMP)")
        file.execute("INSERT INTO schema_versions VALUES (99, 'x', now())")
    told = f"schema 99; this program knows schemas up to {SCHEMA_VERSION}"
    refused(clampdown("-d", ".", "run", "--sample", cwd=tmp_path), told, "Update the program", code=4)


def test_a_warehouse_that_another_program_has_open(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as file:
        file.execute("CREATE TABLE a (b INTEGER)")
    code = "import duckdb, sys; c = duckdb.connect('warehouse.duckdb'); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        done = clampdown("-d", ".", "outbox", "list", cwd=tmp_path)
        assert done.returncode == 0, "what needs no warehouse goes on"
        with pytest.raises(WarehouseLocked, match=f"locked by process {other.pid}") as caught:
            schema_of(tmp_path / "warehouse.duckdb")
        other.communicate()
    assert "Wait until that run ends" in (caught.value.hint or "")


def test_a_published_file_that_is_damaged(tmp_path: Path, sample_snapshot: Path) -> None:
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "clampdown.duckdb").write_bytes(b"x" * 5000)
    refused(clampdown("-d", ".", "events", cwd=tmp_path), "is no DuckDB file", "`clampdown rebuild`", code=4)


def test_a_model_that_git_left_as_a_pointer(tmp_path: Path) -> None:
    shutil.copytree(Path(extractors.__file__).parent / "weights", tmp_path / "weights")
    (tmp_path / "weights" / "encoder.onnx").write_text("version https://git-lfs.github.com/spec/v1\nsize 23000000\n")
    (tmp_path / "clampdown.toml").write_text('[extract]\nmodel = "weights"\n')
    (tmp_path / "a.txt").write_text("Italy blocked DeepSeek.")
    refused(clampdown("extract", "a.txt", cwd=tmp_path), "encoder.onnx was altered", "extract.model", code=3)


# --- sources ---


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[source]]\nid = "a"\nname = "A"\nurl = "htp://example.org"\n', ("htp://example.org", "http:// or https://")),
        ('[[source]]\nid = "a"\nname = "A"\nurl = "http://a.example/"\n' * 2, ("same id as a", "Remove or rename")),
        ("[[source]\n", ("line 1", "[[source]]")),
        ('[source]\nid = "a"\n', ("two brackets",)),
    ],
)
def test_a_slip_in_the_source_list(tmp_path: Path, text: str, said: tuple[str, ...]) -> None:
    (tmp_path / "sources.toml").write_text(text, encoding="utf-8")
    refused(clampdown("sources", "list", cwd=tmp_path), *said)


def test_an_opml_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.opml").write_text("<html></html>")
    refused(clampdown("sources", "import", "a.opml", cwd=tmp_path), "no feeds", "<outline>")


def test_an_address_that_is_none(tmp_path: Path) -> None:
    refused(clampdown("sources", "add", "htp://example.org", cwd=tmp_path), "no address", "https://example.com")


# --- network, mail and ports ---


def no_tls(caller: socket.socket) -> None:
    caller.recv(4096)
    caller.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def test_feeds_that_cannot_be_had_say_why(tmp_path: Path) -> None:
    """A page in place of a feed, no TLS, nobody who listens, no such name."""
    page = Reply(200, b"<html><body>hello</body></html>", {"Content-Type": "text/html"})
    with HTTPServer({"/": page}) as server, odd_server(no_tls) as plain, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        at, nobody = f"{server.host}:{server.port}", f"127.0.0.1:{deaf.getsockname()[1]}"
        urls = {"page": server.url("/"), "tls": f"https://127.0.0.1:{plain}/", "port": f"http://{nobody}/"}
        urls["name"] = "http://no-such-host.invalid/"
        hosts = [at, f"127.0.0.1:{plain}", nobody, "no-such-host.invalid"]
        (tmp_path / "clampdown.toml").write_text(f"[fetch]\nallow_hosts = {hosts}\nretries = 0\nhost_gap = 0\n")
        (tmp_path / "sources.toml").write_text(
            "".join(f'[[source]]\nid = "{name}"\nname = "{name}"\nurl = "{url}"\n' for name, url in urls.items())
        )
        done = clampdown("run", cwd=tmp_path)
        told = clampdown("sources", "check", "--json", cwd=tmp_path).stdout
    assert done.returncode == 0, done.stderr
    assert "none of 4 feeds brought anything" in done.stdout
    assert "show EVENT" not in done.stdout
    for words in ("nothing listens there", "can't be resolved", "no TLS is spoken there", "an HTML page is no feed"):
        assert words in told


@pytest.mark.parametrize("command", [("dashboard", "--port"), ("serve", "--port")])
def test_a_port_that_is_taken(tmp_path: Path, sample_snapshot: Path, command: tuple[str, str]) -> None:
    shutil.copytree(sample_snapshot.parent.resolve(), tmp_path / "published", symlinks=True)
    (tmp_path / "sources.toml").write_text('[[source]]\nid = "a"\nname = "A"\nurl = "http://a.example/"\n')
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = clampdown("-d", ".", *command, str(port), cwd=tmp_path)
    assert done.returncode == 7, done.stderr
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mail_server_that_refuses(tmp_path: Path) -> None:
    def talk(caller: socket.socket) -> None:
        caller.sendall(b"220 here\r\n")
        caller.recv(512)
        caller.sendall(b"250-here\r\n250 AUTH PLAIN\r\n")
        caller.recv(512)
        caller.sendall(b"535 5.7.8 wrong password\r\n")
        caller.recv(512)

    (tmp_path / "password").write_text("secret-word")
    with odd_server(talk) as port:
        mail = {"host": "127.0.0.1", "port": port, "security": "none", "user": "me", "sender": "me@example.org"}
        flags = {f"mail.{key}": value for key, value in mail.items()}
        flags["mail.password_file"] = str(tmp_path / "password")
        (found,) = network.mail(load(None, flags, {}))
    assert found.state == "fail"
    assert "the log-in as me was refused: 535" in found.detail
    assert "secret-word" not in found.detail
    assert "made for programs" in (found.hint or "")


# --- the machine ---


def test_a_system_that_is_not_supported() -> None:
    with pytest.raises(mishaps.NotSupported, match="Windows") as caught:
        mishaps.require_system("win32")
    assert "WSL 2" in (caught.value.hint or "")
    mishaps.require_system("linux")
    mishaps.require_system("darwin")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), ("/x/y: No space left", "MB free")),
        (OSError(errno.EMFILE, "Too many open files"), ("may open too few", "ulimit -n")),
        (PermissionError(errno.EACCES, "Permission denied", "/root/x"), ("/root/x: Permission denied", "-d")),
        (OSError(errno.EROFS, "Read-only file system", "/x"), ("Read-only", "-d FOLDER")),
        (MemoryError(), ("out of memory", "workers.processes")),
        (RuntimeError("can't start new thread"), ("no further thread", "workers.processes")),
        (UnicodeEncodeError("ascii", "Ä", 0, 1, "no"), ("ascii", "PYTHONIOENCODING=utf-8")),
    ],
)
def test_what_the_machine_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: tuple[str, ...]
) -> None:
    def app() -> None:
        raise error

    monkeypatch.setattr(main, "app", app)
    refused(clampdown(cwd=tmp_path), *said, code=1)


def test_a_fault_of_the_program_keeps_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def app() -> None:
        raise ValueError("a fault")

    monkeypatch.setattr(main, "app", app)
    with pytest.raises(ValueError, match="a fault"):
        clampdown(cwd=tmp_path)


def test_no_room_for_temporary_files() -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with (
            pytest.raises(WorkersUnavailable, match="temporary files can't be written") as caught,
            WorkerPool(WorkerSettings(processes=1)),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "TMPDIR" in (caught.value.hint or "")


def test_a_terminal_without_unicode(tmp_path: Path, sample_snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = sample_snapshot.parent.parent
    event = clampdown("-d", str(data), "events", "--json", "--limit", "1", cwd=tmp_path)
    assert event.returncode == 0
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", plain)
    monkeypatch.setattr(sys, "argv", ["clampdown", "-d", str(data), "events", "--country", "IT"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 0
    plain.seek(0)
    printed = plain.read()
    assert "DeepSeek" in printed
    assert "..." in printed, "a name that is cut ends in dots"
