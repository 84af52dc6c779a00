"""What the documentation shows in fenced blocks: the commands with the output below them, queries, code, settings."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typer.main

from clampdown.main import app

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
SHELL = ("sh", "bash", "console")
OURS = ("clampdown", "cld")
"""How the command is called; docs/operations.md makes itself the second name, with the settings of the service."""
OTHERS = frozenset(
    {
        "alias",
        "apt-get",
        "cd",
        "clampdown",
        "cld",
        "cp",
        "createdb",
        "curl",
        "dask",
        "docker",
        "duckdb",
        "export",
        "git",
        "install",
        "journalctl",
        "make",
        "mkdir",
        "pip",
        "prefect",
        "python",
        "python3",
        "sha256sum",
        "systemctl",
        "useradd",
        ".",
    }
)
"""What else begins a line of a shell. Another word is a slip, or belongs here."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPT = re.compile(r"^(?:\w+)?\$ +", re.MULTILINE)
_ENDS = frozenset({"&&", "||", "|", ";"})


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, its language, its lines, and the block of output that stands right below it."""

    page: Path
    line: int
    language: str
    text: str
    output: str | None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Call:
    """One call of our command: what follows its name, whether it is its block's last, and where its output goes."""

    block: Block
    args: tuple[str, ...]
    is_last: bool
    to: str | None = None

    def __str__(self) -> str:
        return f"{self.block}: clampdown {shlex.join(self.args)}"


@cache
def blocks() -> tuple[Block, ...]:
    """All blocks of README and docs, in their order."""
    return tuple(block for page in PAGES for block in _of_page(page))


def _of_page(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    found = list(_FENCE.finditer(text))
    for number, fence in enumerate(found):
        after = found[number + 1] if number + 1 < len(found) else None
        is_output = after is not None and after[1] == "text" and not text[fence.end() : after.start()].strip()
        yield Block(
            page, text.count("\n", 0, fence.start()) + 1, fence[1], fence[2], after[2] if after and is_output else None
        )


def of_language(*languages: str) -> list[Block]:
    """The blocks of a language."""
    return [block for block in blocks() if block.language in languages]


def shell_lines(block: Block) -> list[str]:
    """The lines of a block that a shell is to run; none, where it is a figure. Lines that go on are put together."""
    text = block.text.replace("\\\n", " ")
    if _PROMPT.search(text):
        return [_PROMPT.sub("", line) for line in text.splitlines() if _PROMPT.match(line)]
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    is_shell = block.language in SHELL or (not block.language and lines and _first(lines[0]) in OTHERS)
    return lines if is_shell else []


def _first(line: str) -> str:
    return Path(line.split()[0]).name or "."


def programs(line: str) -> Iterator[tuple[list[str], str | None]]:
    """Yield the words of each program that a line starts, and the file that its output goes to."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    to: str | None = None
    tokens = iter([*lexer, ";"])
    for token in tokens:
        if token in (">", ">>"):
            to = next(tokens)
        elif token in _ENDS:
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                del words[0]
            if words:
                yield words, to
            words, to = [], None
        else:
            words.append(token)


def calls() -> Iterator[Call]:
    """Every call of our command that README and docs show in a block, in order."""
    for block in blocks():
        told = [one for line in shell_lines(block) for one in programs(line)]
        for number, (words, to) in enumerate(told, 1):
            if Path(words[0]).name in OURS:
                yield Call(block, tuple(words[1:]), number == len(told), to)


def inline() -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Every call that stands in a line of text, as `clampdown show EVENT`."""
    for page in PAGES:
        for told in re.findall(r"`clampdown( [^`]+)`", _FENCE.sub("", page.read_text("utf-8"))):
            (words, _), *_ = programs(told.replace("\\|", "|").replace("\n", " "))
            yield page, tuple(words)


@cache
def _command() -> Any:
    return typer.main.get_command(app)


def parse(args: Sequence[str]) -> None:
    """Read a command line as the command itself would, and run nothing. Raises a UsageError for one that is wrong."""
    command: Any = _command()
    context, rest = None, list(args)
    while True:
        context = command.make_context(command.name, rest, parent=context)
        if not hasattr(command, "commands"):
            return
        rest = [*context._protected_args, *context.args]
        if not rest:
            return
        _, command, rest = command.resolve_command(context, rest)
