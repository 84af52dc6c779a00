"""The rules of the house that no other tool checks: short modules, and a reason beside each exception to a rule."""

import re
from pathlib import Path

import pytest
from conftest import ROOT

FOLDERS = ("pipeline", "extractors", "warehouse", "reports", "flows", "clampdown", "benchmarks", "tests")
MODULES = sorted(one for folder in FOLDERS for one in (ROOT / folder).rglob("*.py"))
LONGEST = 400
"""Lines of a module at most."""

EXCEPTION = re.compile(
    r"#\s*(noqa|type:\s*ignore|pragma:)\b(:? ?[A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*)?(\[[^\]]*\])?(?P<rest>.*)"
)


def unreasoned(module: Path) -> list[str]:
    """The lines on which a rule is set aside without a word why."""
    found = []
    for number, line in enumerate(module.read_text(encoding="utf-8").splitlines(), start=1):
        exception = EXCEPTION.search(line)
        if exception is not None and not re.search(r"[a-z]{2}", exception["rest"]):
            found.append(f"{module.relative_to(ROOT)}:{number}: {line.strip()}")
    return found


def test_no_module_is_too_long_to_be_read_at_once() -> None:
    lengths = {str(one.relative_to(ROOT)): one.read_text(encoding="utf-8").count("\n") for one in MODULES}
    assert len(lengths) > 300
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_each_exception_to_a_rule_says_why() -> None:
    assert [line for module in MODULES if module.parent.name != "tests" for line in unreasoned(module)] == []


@pytest.mark.parametrize(
    ("line", "is_told"),
    [
        ("import x  # noqa: F401", True),
        ("import x  # noqa: F401, E402", True),
        ("x = y  # type: ignore[arg-type]", True),
        ("x = y  # type: ignore[arg-type]  # the stubs want bytes", False),
        ("import x  # noqa: F401 - for its effect", False),
        ("x = 'noqa'", False),
    ],
)
def test_a_reason_is_told_from_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, is_told: bool) -> None:
    monkeypatch.setattr("test_house.ROOT", tmp_path)
    (tmp_path / "module.py").write_text(line + "\n", "utf-8")
    assert bool(unreasoned(tmp_path / "module.py")) is is_told
