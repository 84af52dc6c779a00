"""The foreign task: reading its format, the lexical baseline's lemmas, average link, and the measures by hand."""

import tarfile
from pathlib import Path

import numpy as np
import pytest

from benchmarks.coreference import components, measure
from benchmarks.ecbplus import TEST, Likeness, head_lemma, main, read_corpus
from pipeline.clusters import average_link

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<Document doc_name="{name}.xml">
<token t_id="1" sentence="0" number="0">Police</token>
<token t_id="2" sentence="0" number="1">arrested</token>
<token t_id="3" sentence="0" number="2">Joe</token>
<token t_id="4" sentence="1" number="0">He</token>
<token t_id="5" sentence="1" number="1">was</token>
<token t_id="6" sentence="1" number="2">charged</token>
<Markables>
<ACTION_OCCURRENCE m_id="10"><token_anchor t_id="2"/></ACTION_OCCURRENCE>
<ACTION_OCCURRENCE m_id="11"><token_anchor t_id="6"/></ACTION_OCCURRENCE>
<HUMAN_PART_PER m_id="12"><token_anchor t_id="3"/></HUMAN_PART_PER>
<ACTION_OCCURRENCE m_id="13" RELATED_TO="" TAG_DESCRIPTOR="arrest" instance_id="ACT1"/>
</Markables>
<Relations><CROSS_DOC_COREF r_id="1" note="ACT1"><source m_id="10"/><target m_id="13"/></CROSS_DOC_COREF></Relations>
</Document>"""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    root = tmp_path / "ecb" / "ECB+_LREC2014"
    (root / "ECB+" / "36").mkdir(parents=True)
    for name in ("36_1ecb", "36_2ecb"):
        (root / "ECB+" / "36" / f"{name}.xml").write_text(DOCUMENT.format(name=name), "utf-8")
    (root / "ECBplus_coreference_sentences.csv").write_text(
        "Topic,File,Sentence Number\n36,1ecb,0\n36,2ecb,0\n36,2ecb,1\n"
    )
    with tarfile.open(tmp_path / "corpus.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "ecb", "ecb")
    return tmp_path / "corpus.tar.gz"


def test_mentions_of_checked_sentences_are_read_with_their_chains(corpus: Path) -> None:
    told = read_corpus(corpus).mentions
    assert [(one.document, one.lemma) for one in told] == [
        ("36_1ecb", "arrest"),
        ("36_2ecb", "arrest"),
        ("36_2ecb", "charg"),
    ]
    assert told[0].chain == told[1].chain == "ACT1"
    assert told[2].chain not in ("ACT1", "")
    assert "joe" in told[0].statement.context.passage.names


def test_features_are_symmetric_and_know_what_corefers(corpus: Path) -> None:
    read = read_corpus(corpus)
    likeness = Likeness(read, read.of(TEST), topics=True)
    assert (likeness.features == likeness.features.transpose(1, 0, 2)).all()
    assert likeness.same.tolist() == [[True, True, False], [True, True, False], [False, False, True]]
    assert components(likeness.lemma) == [0, 0, 2]


def test_the_corpus_has_the_number_of_mentions_that_others_report(shared: Path) -> None:
    path = shared / "corpus" / "ecbplus.tar.gz"
    if not path.is_file():
        pytest.skip("the corpus ecbplus.tar.gz is not there")
    assert len(read_corpus(path).of(TEST)) == 1780


def test_without_the_corpus_nothing_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--corpus", str(tmp_path / "none.tar.gz")]) == 0
    assert "not there" in capsys.readouterr().out


@pytest.mark.parametrize(
    "forms",
    [
        ["was arrested", "arrests", "arresting"],
        ["struck", "strikes", "striking"],
        ["took over", "take over", "taking over"],
        ["stepped down", "steps down"],
        ["death of a boy", "the deaths"],
        ["a magnitude 6.1 quake", "quakes"],
    ],
)
def test_forms_of_one_head_have_one_lemma(forms: list[str]) -> None:
    assert len({head_lemma(form.split()) for form in forms}) == 1


def test_average_link_does_not_chain() -> None:
    points = np.array([[0, 2, -3], [2, 0, 2], [-3, 2, 0]], dtype=np.float64)
    labels = average_link(points.copy(), np.ones(len(points)), 0.5)
    assert len(set(labels)) == 2
    assert components(points > 0) == [0, 0, 0]


def test_measures_by_hand(corpus: Path) -> None:
    told = [one.chain for one in read_corpus(corpus).mentions]
    right = measure([0, 0, 1], told)
    assert (right.muc, right.b3, right.ceaf, right.conll) == (1, 1, 1, 1)
    apart = measure([0, 1, 2], told)
    # No link is found; B³ recall is (1/2 + 1/2 + 1) / 3; of three clusters against two, one pair has 2/3 and one 1.
    assert apart.muc == 0
    assert apart.b3_recall == pytest.approx(2 / 3)
    assert apart.ceaf == pytest.approx(2 * (5 / 9) * (5 / 6) / (5 / 9 + 5 / 6))
