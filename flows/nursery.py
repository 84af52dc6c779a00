"""Imported once in the process from which workers are forked, so that each new one is ready at once.

It loads the libraries and tables that all workers need. Their memory is shared until it is written to. The model is not
among them: its library keeps threads, which do not survive a fork; a worker opens it when it first needs it.
"""

import gc
import os
import signal


def load() -> None:
    """Import what workers need and build the tables that they look things up in."""
    # Each worker is one thread's worth of work; numpy reads this when it is imported, onnxruntime the other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

    import extractors.encoder  # noqa: F401 - for the workers that are forked after this
    import pipeline.feeds
    import pipeline.text  # noqa: F401 - likewise
    from extractors.decode import RawMention
    from extractors.gate import GazetteerGate
    from extractors.normalize import normalize
    from pipeline.language import detect
    from pipeline.types import Action, Document, Quote, Status

    text = "The ministry blocks TikTok on its devices."
    detect(text)
    GazetteerGate().passes(text)
    # By it the registries of services, bodies and countries are read.
    actor, trigger, service = (
        Quote(word, text.index(word), text.index(word) + len(word)) for word in ("ministry", "blocks", "TikTok")
    )
    normalize(Document("", text), RawMention(Action.BLOCK, Status.IN_FORCE, trigger, service, actor))
    # What is loaded stays: no collection of a worker need look at it again, or write to the memory that all share.
    gc.collect()
    gc.freeze()


# An interrupt of the terminal reaches this process, too; the parent alone decides what it means.
signal.signal(signal.SIGINT, signal.SIG_IGN)
load()
