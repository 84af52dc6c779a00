"""A foreign task: which mentions in other people's news tell the same event. `python -m benchmarks.ecbplus`.

ECB+ (Cybulska and Vossen, 2014) holds 982 articles on 43 topics, each topic on two alike events (two earthquakes, two
trials), with the mentions of events and which of them corefer, within and across articles. Mentions are given; those of
the checked sentences count, singletons too; test topics are 36 to 45 (1,780 mentions). "Gold topics" compares mentions
of one topic only, "no topics" all with all.

What is tried here is what this project knows of any text: the words and names around a mention (`pipeline.passages`,
`pipeline.likeness`), whether two articles are copies of one story, and average link. Neither registries nor fields take
part, since the events are none of ours; in place of the action stands the lemma of the mention's head. The weights of
the features are fitted on the topics that are neither for development nor for the test, the threshold is chosen on the
development topics by the CoNLL score. Beside it stand the usual lexical baselines: mentions with the same head lemma,
and those whose articles, too, are alike by TF-IDF (threshold chosen in the same way).

The corpus belongs to its authors (CC BY 3.0) and is not part of this project; without it the benchmark says so and
ends.
"""

import argparse
import csv
import math
import re
import sys
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from benchmarks.coreference import Floats, Scores, components, measure
from pipeline.clusters import average_link
from pipeline.likeness import NAMES, WORDS, compare_names, compare_words
from pipeline.passages import read_passage
from pipeline.statements import Statement, read_statement
from pipeline.types import Action, Mention, MentionContext, Quote, Status

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "ecbplus.tar.gz"
TEST = frozenset(range(36, 46))
DEV = frozenset((2, 5, 12, 18, 21, 23, 34, 35))
COPIES = 0.4
"""Share of common three-word shingles from which two articles are one story, as in `pipeline.stories`."""


@dataclass(frozen=True, slots=True)
class Told:
    """A mention: its topic, article, chain and head lemma, and its statement with the passage around it."""

    topic: int
    document: str
    chain: str
    lemma: str
    statement: Statement


@dataclass(frozen=True, slots=True)
class Corpus:
    """Mentions in the order of the files, and the words of each article."""

    mentions: Sequence[Told]
    words: Mapping[str, Sequence[str]]

    def of(self, topics: Iterable[int]) -> list[Told]:
        """The mentions of some topics."""
        wanted = set(topics)
        return [one for one in self.mentions if one.topic in wanted]


def read_corpus(path: Path = CORPUS) -> Corpus:
    """Read all mentions of events in the checked sentences."""
    with tarfile.open(path) as archive:
        files = {member.name: archive.extractfile(member) for member in archive.getmembers() if member.isfile()}
        texts = {
            name: file.read()
            for name, file in files.items()
            if file is not None and ("/ECB+/" in name or name.endswith("coreference_sentences.csv"))
        }
    listed = next(text for name, text in texts.items() if name.endswith(".csv")).decode("utf-8-sig")
    checked = {(row["Topic"], row["File"], row["Sentence Number"]) for row in csv.DictReader(listed.splitlines())}
    mentions: list[Told] = []
    words: dict[str, Sequence[str]] = {}
    for name in sorted(name for name in texts if name.endswith(".xml") and not Path(name).name.startswith(".")):
        topic, _, file = Path(name).stem.partition("_")
        document = f"{topic}_{file}"
        tree = ElementTree.fromstring(texts[name])
        tokens = {token.get("t_id", ""): token for token in tree.findall("token")}
        words[document] = [(token.text or "").lower() for token in tokens.values()]
        mentions += _mentions(tree, tokens, document, {s for t, f, s in checked if (t, f) == (topic, file)})
    return Corpus(mentions, words)


def _mentions(
    tree: ElementTree.Element, tokens: Mapping[str, ElementTree.Element], document: str, checked: set[str]
) -> Iterable[Told]:
    text, places = _laid_out(tokens)
    chains = {}
    for link in tree.iterfind("Relations/*"):
        # A chain across articles has an id of its own, one within an article only a number there.
        chain = link.get("note") if link.tag == "CROSS_DOC_COREF" else f"{document} {link.get('r_id')}"
        for source in link.findall("source"):
            chains[source.get("m_id")] = str(chain)
    for mark in tree.iterfind("Markables/*"):
        anchors = [anchor.get("t_id", "") for anchor in mark.findall("token_anchor")]
        if "ACTION" not in mark.tag or not anchors or tokens[anchors[0]].get("sentence") not in checked:
            continue
        start, end = places[anchors[0]][0], places[anchors[-1]][1]
        mark_id = mark.get("m_id")
        yield Told(
            topic=int(document.partition("_")[0]),
            document=document,
            chain=chains.get(mark_id, f"{document} alone {mark_id}"),
            lemma=head_lemma([(tokens[anchor].text or "").lower() for anchor in anchors]),
            statement=_statement(document, text, start, end),
        )


def _laid_out(tokens: Mapping[str, ElementTree.Element]) -> tuple[str, dict[str, tuple[int, int]]]:
    """Return the text, a sentence a line, and where each token stands in it."""
    parts: list[str] = []
    places: dict[str, tuple[int, int]] = {}
    at, sentence = 0, None
    for key, token in tokens.items():
        word = token.text or ""
        gap = "" if not parts else " " if token.get("sentence") == sentence else "\n"
        sentence = token.get("sentence")
        parts += [gap, word]
        places[key] = (at + len(gap), at + len(gap) + len(word))
        at += len(gap) + len(word)
    return "".join(parts), places


def _statement(document: str, text: str, start: int, end: int) -> Statement:
    """Dress a mention as one of ours, with nothing in its fields: only its passage is compared."""
    nothing = Quote("", start, start)
    mention = Mention(document, Action.BAN, Status.IN_FORCE, Quote(text[start:end], start, end), nothing, "", "XX")
    passage = read_passage(text, start, end)
    return read_statement(MentionContext(mention, document, document, document, None, passage=passage))


# ---- lemmas

_SMALL = {
    "a", "an", "the", "be", "is", "are", "was", "were", "been", "being", "has", "have", "had", "do", "does", "did",
    "will", "would", "to", "not", "n't", "and",
}  # fmt: skip
_AFTER = {
    "of", "in", "on", "at", "for", "to", "by", "with", "from", "against", "into", "over", "up", "down", "out", "off",
    "under", "through", "about",
}  # fmt: skip
_IRREGULAR = {
    form: base
    for base, forms in {
        "strike": "struck", "shoot": "shot", "find": "found", "buy": "bought", "sell": "sold", "take": "took taken",
        "hold": "held", "leave": "left", "lose": "lost", "win": "won", "say": "said", "tell": "told", "make": "made",
        "come": "came", "go": "went gone", "give": "gave given", "get": "got", "see": "saw seen", "die": "died dying",
        "kill": "killing", "break": "broke broken", "steal": "stole stolen", "fall": "fell fallen", "rise": "rose",
        "begin": "began begun", "run": "ran", "meet": "met", "pay": "paid", "send": "sent", "bring": "brought",
        "speak": "spoke spoken", "write": "wrote written", "drive": "drove driven", "fight": "fought",
        "become": "became", "feel": "felt", "think": "thought", "lead": "led", "grow": "grew grown",
        "throw": "threw thrown", "fly": "flew",
    }.items()
    for form in forms.split()
}  # fmt: skip


def head_lemma(words: Sequence[str]) -> str:
    """Return the lemma of a mention's head: the last word before a preposition, small words aside ("take over": take).

    Lemmas are base forms as far as endings and the commonest irregular verbs tell.
    """
    content = [word for word in words if word not in _SMALL and re.search(r"\w", word)] or list(words)
    cut = next((i for i, word in enumerate(content) if i > 0 and word in _AFTER), len(content))
    return _lemma(content[cut - 1])


def _lemma(word: str) -> str:
    word = _IRREGULAR.get(word, word)
    for ending, instead in (("ies", "y"), ("ied", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", ""), ("s", "")):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= 3 and not word.endswith("ss"):
            doubled = len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "ls"
            return (stem[:-1] if doubled else stem + instead).removesuffix("e")
    return word.removesuffix("e") if len(word) > 3 else word


# ---- features


class Likeness:
    """All pairs of some mentions: by lemma, passage, story and article."""

    def __init__(self, corpus: Corpus, told: Sequence[Told], *, topics: bool) -> None:
        self.told = told
        statements = [one.statement for one in told]
        self.allowed = _equal([one.topic for one in told]) if topics else np.ones((len(told),) * 2, dtype=np.bool_)
        self.lemma = _equal([one.lemma for one in told])
        documents = sorted({one.document for one in told})
        place = {document: i for i, document in enumerate(documents)}
        of = np.array([place[one.document] for one in told])
        self.tfidf = _tfidf([corpus.words[document] for document in documents])[of][:, of]
        copies = _copies([corpus.words[document] for document in documents])[of][:, of]
        same_article = of[:, None] == of
        words, names = compare_words(statements, statements), compare_names(statements, statements)
        columns = [self.lemma, copies & ~same_article, same_article]
        columns += [words == code for code in range(len(WORDS))] + [names == code for code in range(len(NAMES))]
        columns += [self.lemma & (words == code) for code in range(len(WORDS))]
        columns += [self.lemma & (names == code) for code in range(len(NAMES))]
        self.features = np.stack(columns, axis=-1)

    @property
    def same(self) -> npt.NDArray[np.bool_]:
        """Which pairs corefer."""
        return _equal([one.chain for one in self.told])

    def points(self, weights: Floats) -> Floats:
        """The log-odds of each pair; -inf where the topics differ and are given."""
        sums = np.full(self.allowed.shape, weights[-1])
        for number, weight in enumerate(weights[:-1]):
            sums += weight * self.features[:, :, number]
        return np.where(self.allowed, sums, -np.inf)


def _equal(values: Sequence[object]) -> npt.NDArray[np.bool_]:
    numbers: dict[object, int] = {}
    codes = np.array([numbers.setdefault(value, len(numbers)) for value in values])
    return np.asarray(codes[:, None] == codes)


def _tfidf(articles: Sequence[Sequence[str]]) -> Floats:
    """Return the cosines of articles' TF-IDF vectors."""
    counts = [Counter(word for word in words if word.isalpha()) for words in articles]
    spread = Counter(word for count in counts for word in count)
    column = {word: i for i, word in enumerate(sorted(spread))}
    vectors = np.zeros((len(articles), len(column)))
    for row, count in enumerate(counts):
        for word, times in count.items():
            vectors[row, column[word]] = (1 + math.log(times)) * math.log(len(articles) / spread[word])
    vectors /= np.maximum(1e-9, np.linalg.norm(vectors, axis=1, keepdims=True))
    return np.asarray(vectors @ vectors.T)


def _copies(articles: Sequence[Sequence[str]]) -> npt.NDArray[np.bool_]:
    """Say which articles are copies of one story, by the share of their three-word shingles."""
    shingles = [set(zip(words, words[1:], words[2:], strict=False)) for words in articles]
    return np.array([[len(a & b) >= COPIES * max(1, len(a | b)) for b in shingles] for a in shingles])


def fit(likeness: Likeness) -> Floats:
    """Fit the log-odds of coreference to the features: ridge logistic regression by Newton's method; intercept last."""
    upper = np.triu(likeness.allowed, 1)
    design = likeness.features[upper].astype(np.float64)
    design = np.concatenate([design, np.ones((len(design), 1))], axis=1)
    same = likeness.same[upper].astype(np.float64)
    weights = np.zeros(design.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (chance - same) + weights
        bend = (design.T * (chance * (1 - chance))) @ design + np.eye(len(weights))
        weights -= np.linalg.solve(bend, slope)
    return weights


def best(values: Iterable[float], score: Callable[[float], Scores]) -> float:
    """Return the value with the greatest CoNLL score."""
    return max(values, key=lambda value: score(value).conll)


def _chains(told: Sequence[Told]) -> list[str]:
    return [one.chain for one in told]


def _lemma_delta(of: Likeness, least: float) -> Scores:
    return measure(components(of.lemma & of.allowed & (of.tfidf >= least)), _chains(of.told))


def _passages(points: Floats, told: Sequence[Told], least: float) -> Scores:
    return measure(average_link(points.copy(), np.ones(len(points)), least), _chains(told))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    given = parser.parse_args(arguments)
    if not given.corpus.is_file():
        print(f"{given.corpus.name} is not there: nothing is measured")
        return 0
    corpus = read_corpus(given.corpus)
    every = {one.topic for one in corpus.mentions}
    weights = fit(Likeness(corpus, corpus.of(every - TEST - DEV), topics=True))
    for topics in (True, False):
        dev, test = (Likeness(corpus, corpus.of(some), topics=topics) for some in (DEV, TEST))
        print(f"{'gold topics' if topics else 'no topics'}: {len(test.told)} mentions")
        print(f"  same head lemma             {measure(components(test.lemma & test.allowed), _chains(test.told))}")

        delta = best(np.arange(0.02, 0.5, 0.02), partial(_lemma_delta, dev))
        print(f"  lemma and TF-IDF ≥ {delta:.2f}     {_lemma_delta(test, delta)}")
        least = best(np.arange(-3, 2.25, 0.25), partial(_passages, dev.points(weights), dev.told))
        print(f"  passages, average ≥ {least:5.2f}   {_passages(test.points(weights), test.told, least)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
