"""What becomes of the claims of an article in its next version, on small texts; and laws that hold for any."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipeline.claims import Claim, Succession, differences, succession
from pipeline.types import Action, Mention, Quote, ReasonClass, ScopeClass, Status

TITLE = "Regulator acts against chatbot"
BLOCK = "The Garante blocked DeepSeek on 29 January, citing privacy."
WIDE = "The Garante blocked DeepSeek for all companies."
OTHER = "Australia banned TikTok on government devices."
PLAIN = "The weather in Rome was fine."


def text_of(*sentences: str, title: str = TITLE) -> str:
    return f"{title}\n\n" + "\n".join(sentences)


def quote(text: str, words: str) -> Quote:
    start = text.index(words, text.index("\n\n"))
    return Quote(words, start, start + len(words))


def blocked(text: str, day: str | None = "29 January", *, status: Status = Status.IN_FORCE) -> Mention:
    return Mention(
        document_id="article",
        action=Action.BLOCK,
        status=status,
        trigger=quote(text, "blocked"),
        service=quote(text, "DeepSeek"),
        service_canonical="DeepSeek",
        country="IT",
        actor=quote(text, "The Garante"),
        actor_canonical="Garante per la protezione dei dati personali",
        date=None if day is None else quote(text, day),
        date_value=None if day is None else f"2025-01-{day[:2]}",
    )


def banned(text: str) -> Mention:
    return Mention(
        document_id="article",
        action=Action.BAN,
        status=Status.IN_FORCE,
        trigger=quote(text, "banned"),
        service=quote(text, "TikTok"),
        service_canonical="TikTok",
        country="AU",
        actor=quote(text, "Australia"),
        actor_canonical="Australia",
        scope=quote(text, "government devices"),
        scope_class=ScopeClass.GOVERNMENT_DEVICES,
    )


def became(old: str, told: list[Mention], new: str, found: list[Mention]) -> Succession:
    return succession([Claim.read(old, one) for one in told], [Claim.read(new, one) for one in found], new)


def test_claim_that_moved_is_restated() -> None:
    old, new = text_of(BLOCK, OTHER), text_of(PLAIN, OTHER, BLOCK)
    told, found = [blocked(old), banned(old)], [blocked(new), banned(new)]
    assert became(old, told, new, found) == Succession(restated=tuple(zip(told, found, strict=True)))


def test_claim_in_other_words_is_restated() -> None:
    old, new = text_of(BLOCK), text_of("On 29 January DeepSeek was blocked, said The Garante.")
    assert became(old, [blocked(old)], new, [blocked(new)]).restated


def test_corrected_date_changes_the_claim() -> None:
    old, new = text_of(BLOCK), text_of(BLOCK.replace("29", "30"))
    told, found = blocked(old), blocked(new, "30 January")
    assert became(old, [told], new, [found]) == Succession(changed=((told, found),))
    assert differences(told, found) == ("date",)


def test_corrected_status_scope_and_reason_change_the_claim() -> None:
    old = text_of(BLOCK)
    for words, change, field in (
        ("The Garante may have blocked DeepSeek on 29 January.", {"status": Status.PROPOSED}, "status"),
        (WIDE + " It was 29 January.", {"scope_class": ScopeClass.WORKPLACE}, "scope"),
        (BLOCK.replace("privacy", "security"), {"reason_classes": (ReasonClass.SECURITY,)}, "reason"),
        (BLOCK.replace("blocked", "blocked, or banned,"), {"action": Action.BAN}, "action"),
    ):
        new = text_of(words)
        found = replace(blocked(new), **change)
        assert became(old, [blocked(old)], new, [found]).changed == ((blocked(old), found),), field
        assert differences(blocked(old), found) == (field,)


def test_one_of_two_claims_is_dropped() -> None:
    old, new = text_of(BLOCK, OTHER), text_of(BLOCK)
    told = became(old, [blocked(old), banned(old)], new, [blocked(new)])
    assert told == Succession(restated=((blocked(old), blocked(new)),), gone=(banned(old),))


def test_new_claim_is_added() -> None:
    old, new = text_of(BLOCK), text_of(BLOCK, OTHER)
    told = became(old, [blocked(old)], new, [blocked(new), banned(new)])
    assert told == Succession(restated=((blocked(old), blocked(new)),), added=(banned(new),))


def test_words_that_stand_are_not_withdrawn_by_another_reading() -> None:
    old, new = text_of(BLOCK), text_of(BLOCK, PLAIN)
    assert became(old, [blocked(old)], new, []) == Succession(standing=(blocked(old),))
    other_reading = blocked(new, status=Status.ANNOUNCED)
    assert became(old, [blocked(old)], new, [other_reading]) == Succession(restated=((blocked(old), other_reading),))


def test_headline_that_stands_alone_holds_no_claim() -> None:
    title = "The Garante blocked DeepSeek on 29 January"
    old, new = text_of(PLAIN, title=title), text_of("It did not.", title=title)
    shifted = {name: old.index(words) for name, words in (("trigger", "blocked"), ("service", "DeepSeek"))}
    told = Mention(
        document_id="article",
        action=Action.BLOCK,
        status=Status.IN_FORCE,
        trigger=Quote("blocked", shifted["trigger"], shifted["trigger"] + 7),
        service=Quote("DeepSeek", shifted["service"], shifted["service"] + 8),
        service_canonical="DeepSeek",
        country="IT",
    )
    assert became(old, [told], new, []) == Succession(gone=(told,))


def test_claim_told_twice_is_not_dropped_with_one_of_its_tellings() -> None:
    old, new = text_of(BLOCK, BLOCK.replace("blocked", "has blocked")), text_of(BLOCK)
    second = old.index("blocked", old.index("has "))
    told = [blocked(old), replace(blocked(old), trigger=Quote("blocked", second, second + 7))]
    assert became(old, told, new, [blocked(new)]).restated == tuple((one, blocked(new)) for one in told)


def test_actors_and_services_are_claims_of_their_own() -> None:
    old, new = text_of(BLOCK), text_of("The court blocked DeepSeek on 29 January. The Garante did not.")
    other = replace(blocked(new), actor_canonical="Consiglio di Stato", actor=quote(new, "court"))
    assert became(old, [blocked(old)], new, [other]) == Succession(gone=(blocked(old),), added=(other,))


SENTENCES = (BLOCK, BLOCK.replace("29", "30"), OTHER, PLAIN, WIDE)


def read(text: str) -> list[Mention]:
    """What a plain reader finds in a text of these sentences."""
    found = []
    if "blocked" in text:
        found.append(blocked(text, next((day for day in ("29 January", "30 January") if day in text), None)))
    if "banned" in text:
        found.append(banned(text))
    return found


@given(
    old=st.lists(st.sampled_from(SENTENCES), max_size=4, unique=True),
    new=st.lists(st.sampled_from(SENTENCES), max_size=4, unique=True),
)
def test_each_old_claim_has_one_fate_and_each_new_one_a_place(old: list[str], new: list[str]) -> None:
    before, after = text_of(*old), text_of(*new)
    told, found = read(before), read(after)
    fate = became(before, told, after, found)
    fates = [one for one, _ in (*fate.restated, *fate.changed)] + [*fate.standing, *fate.gone]
    assert sorted(one.id for one in fates) == sorted(one.id for one in told)
    heirs = {one.id for _, one in (*fate.restated, *fate.changed)}
    assert heirs.isdisjoint(one.id for one in fate.added)
    assert heirs | {one.id for one in fate.added} == {one.id for one in found}
    assert all(not Claim.read(before, one).stands_in(after) for one in fate.gone)


@given(sentences=st.lists(st.sampled_from(SENTENCES), max_size=5, unique=True))
def test_the_same_text_restates_all(sentences: list[str]) -> None:
    text = text_of(*sentences)
    fate = became(text, read(text), text, read(text))
    assert fate == Succession(restated=tuple((one, one) for one in read(text)))
