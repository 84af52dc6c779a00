"""Languages: English is told from others, and what can't be told stays unknown."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language import detect, is_english, primary_tag


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The ministry said on Thursday that it had cut access to the assistant.", "en"),
        ("Twitter agrees to Nigeria's demands to end seven-month ban", "en"),
        ("Die Behörde hat den Zugang zum Dienst am Donnerstag gesperrt.", "de"),
        ("Le ministère a annoncé jeudi le blocage de l'application.", "fr"),
        ("El gobierno suspendió la aplicación de mensajería el jueves.", "es"),
        ("Norge forbyr appen på tjenestetelefoner til ansatte i staten.", "no"),
        ("Роскомнадзор ограничил доступ к мессенджеру по решению суда.", "ru"),
        ("防衛省は木曜日、職員の端末から接続を遮断したと発表した。", "ja"),
        ("국방부는 목요일 업무용 컴퓨터에서 접속을 차단했다고 밝혔다.", "ko"),
        ("", None),
        ("OpenAI", None),
        ("12345 67890 !!!", None),
        ("Xqzt Brvk Plomf Trilg Zorp Wexu", None),
    ],
)
def test_detection(text: str, language: str | None) -> None:
    assert detect(text) == language


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    language = detect(text)
    assert language is None or language.isalpha()


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("en-GB", "en"),
        ("EN", "en"),
        ("pt_BR", "pt"),
        ("zh-Hant-TW", "zh"),
        ("nb-NO", "no"),
        ("english", None),
        ("", None),
    ],
)
def test_declared_tags(tag: str, language: str | None) -> None:
    assert primary_tag(tag) == language


def test_no_tag_is_no_language() -> None:
    assert primary_tag(None) is None


def test_the_unknown_is_read_as_english() -> None:
    assert is_english(None)
    assert is_english("en")
    assert not is_english("de")


def test_no_annotated_passage_is_taken_for_another_language(shared: Path) -> None:
    lines = (shared / "annotation" / "passages.jsonl").read_text(encoding="utf-8").splitlines()
    languages = [detect(json.loads(line)["text"]) for line in lines]
    assert len(languages) > 1_000
    assert all(map(is_english, languages))
