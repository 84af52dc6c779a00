"""How often a model errs, as measured on texts that it did not learn from. Rates are shares from 0 to 100."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """A rate in per cent with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AtCut:
    """What is left of events that score at least `cut`: how many, and their rates in per cent by name."""

    cut: float
    events: int
    rates: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TextsMeasured:
    """What was measured on one set of texts.

    `rates` go by the names of `extractors.scoring`; every place of the texts was read for them. `by_cut` are the same
    texts as the program reads them, which leaves out places where nothing is likely to be told, by score.
    """

    name: str
    about: str
    passages: int
    rates: Mapping[str, Share]
    by_cut: tuple[AtCut, ...]


@dataclass(frozen=True, slots=True)
class VoicesMeasured:
    """Of so many whole events, carried by some number of independent voices, the share that is right, in per cent."""

    voices: str
    cut: float
    events: int
    right: float


@dataclass(frozen=True, slots=True)
class Measured:
    """All that was measured of the model of this `revision`."""

    revision: str
    texts: tuple[TextsMeasured, ...]
    voices: tuple[VoicesMeasured, ...]

    def fits(self, model: str) -> bool:
        """Whether a snapshot's model is this one; what follows the plus are registries and cut."""
        return model.partition("+")[0] == self.revision
