"""Gather the pages of the documentation site: `python docs/site/gather.py [FOLDER]`; build/pages unless given.

Pages lie in docs/ and keep their links as they are right in the repository. Here they are copied, with the README as
the first page and the project's other pages beside them, and their links are turned to where the targets are on the
site. A file that is no page gets one. So whoever builds the site needs no plugin of ours.
"""

import json
import posixpath
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from reports.palette import INKS

ROOT = Path(__file__).resolve().parent.parent.parent
BROUGHT_IN = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
    "SECURITY.md": "security.md",
    "samples/README.md": "samples.md",
}
"""Pages of the project that do not lie in docs/ → their names on the site."""
KINDS = {"cff": "yaml", "py": "python", "sql": "sql", "toml": "toml", "yaml": "yaml", "yml": "yaml"}
"""Ends of names → what colours such a file."""

USED = ("paper", "ink", "muted", "line", "canvas", "link", "curve")
"""The colours that site.css names."""

_LINK = re.compile(
    r"(?P<before>!?\[[^\]]*\]\(|<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)=\")(?P<to>[^)\s\"#:]+)(?=[)#\"])"
)
_FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_DIAGRAM = re.compile(r"^```mermaid\nerDiagram\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_REFERENCE = re.compile(r'^ +(\w+) \S\S(?:--|\.\.)(\S)\S (\w+) : "(\w+)"$', re.MULTILINE)
_HOW_MANY = {"|": "exactly one", "o": "one or none"}


class Missing(Exception):
    """A page links to what is not there."""


def gather(to: Path) -> None:
    """Write all pages, pictures and styles into the folder `to`, which is emptied before."""
    shutil.rmtree(to, ignore_errors=True)
    docs = ROOT / "docs"
    shutil.copytree(docs, to, ignore=shutil.ignore_patterns("*.md", "*.ipynb", "gather.py", "__pycache__"))
    (to / "site" / "colours.css").write_text(_colours(), "utf-8")
    names = dict(_pages())
    for origin, name in names.items():
        text = _content(ROOT / origin)
        turned = _outside_fences(text, lambda part, at=origin: _with_links(part, at, names))
        (to / name).write_text(_DIAGRAM.sub(lambda found: _references(found[1]), turned), "utf-8")


def _pages() -> Iterator[tuple[str, str]]:
    """Each file that becomes a page, with the page's name."""
    told = [path for kind in ("*.md", "*.ipynb") for path in sorted((ROOT / "docs").glob(kind))]
    first = {f"docs/{path.name}": f"{path.stem}.md" for path in told}
    first |= {origin: name for origin, name in BROUGHT_IN.items() if (ROOT / origin).exists()}
    yield from first.items()
    for origin in sorted({target for page in first for target in _targets(page)} - first.keys()):
        if not origin.startswith("docs/"):
            yield origin, f"file-{origin.replace('/', '-').lower()}.md"


def _targets(origin: str) -> Iterator[str]:
    for found in _LINK.finditer(_FENCE.sub("", _content(ROOT / origin))):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(origin), found["to"]))
        if not (ROOT / target).is_file():
            raise Missing(f"{origin} links to {found['to']}, which is no file")
        yield target


def _content(path: Path) -> str:
    text = path.read_text("utf-8")
    match path.suffix:
        case ".md":
            return text
        case ".ipynb":
            return _notebook(json.loads(text))
    kind = KINDS.get(path.suffix.removeprefix("."), "text")
    return f"# {path.name}\n\nThe project has it as `{path.relative_to(ROOT)}`.\n\n```{kind}\n{text.rstrip()}\n```\n"


def _outside_fences(markdown: str, change: Callable[[str], str]) -> str:
    parts, end = [], 0
    for fence in _FENCE.finditer(markdown):
        parts += [change(markdown[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, change(markdown[end:])])


def _with_links(text: str, origin: str, names: Mapping[str, str]) -> str:
    def turned(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(origin), link["to"]))
        name = names.get(target, target.removeprefix("docs/"))
        if "<" in link["before"] and name.endswith(".md"):
            name = name.removesuffix(".md") + ".html"
        return link["before"] + name

    return _LINK.sub(turned, text)


def _references(diagram: str) -> str:
    """The same as a table: to draw it would take a script from elsewhere."""
    rows = [
        f"| `{of}` | `{column}` | {_HOW_MANY[one]} of `{to}` |" for of, one, to, column in _REFERENCE.findall(diagram)
    ]
    return "\n".join(["| table | column | refers to |", "| --- | --- | --- |", *rows]) if rows else ""


def _notebook(book: Mapping[str, Any]) -> str:
    parts = []
    for cell in book["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        parts += [_output(one) for one in cell.get("outputs", ())]
    return "\n\n".join(parts) + "\n"


def _output(output: Mapping[str, Any]) -> str:
    data = output.get("data", {})
    if "text/html" in data:
        return f'<div class="output">\n{"".join(data["text/html"])}\n</div>'
    return f"```text\n{''.join(data.get('text/plain', output.get('text', ''))).rstrip()}\n```"


def _colours() -> str:
    blocks = []
    for scheme, theme in (("default", "light"), ("slate", "dark")):
        values = {
            name: getattr(INKS[theme], name) for name in ("paper", "ink", "muted", "line", "canvas", "link", "curve")
        }
        lines = "".join(f"  --c-{name}: {value};\n" for name, value in values.items())
        blocks.append(f'[data-md-color-scheme="{scheme}"] {{\n{lines}}}\n')
    return "".join(blocks)


if __name__ == "__main__":
    try:
        gather(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "pages")
    except Missing as error:
        sys.exit(str(error))
