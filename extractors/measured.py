"""What was measured of a model: a file beside its weights, as `benchmarks/measured.py` makes it."""

import json
from pathlib import Path

from extractors.model import BUNDLED
from pipeline.errors import ModelError
from pipeline.measured import AtCut, Measured, Share, TextsMeasured, VoicesMeasured

NAME = "measured.json"
FORMAT = 1


def measured(folder: Path | None = None) -> Measured | None:
    """What was measured of the model in `folder`, by default the bundled one; None where that is not told.

    Raises ModelError where the file is broken.
    """
    path = (BUNDLED if folder is None else folder) / NAME
    try:
        told = json.loads(path.read_bytes())
        if told["format"] != FORMAT:
            return None
        return Measured(
            told["revision"],
            tuple(
                TextsMeasured(
                    one["name"],
                    one["about"],
                    one["passages"],
                    {name: Share(*rate) for name, rate in one["rates"].items()},
                    tuple(AtCut(cut["cut"], cut["events"], cut["rates"]) for cut in one["by_cut"]),
                )
                for one in told["texts"]
            ),
            tuple(VoicesMeasured(**one) for one in told["voices"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} can't be read: {error}") from error
