"""Imported once in the process from which workers are forked, so that each new one is ready at once.

It loads the libraries and tables that all workers need. Their memory is shared until it is written to. The model is not
among them: its library keeps threads, which do not survive a fork; a worker opens it when it first needs it.
"""

import os
import signal

# An interrupt of the terminal reaches this process, too, while it imports; the parent alone decides what it means.
signal.signal(signal.SIGINT, signal.SIG_IGN)

# Each worker is one thread's worth of work; numpy reads this when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import extractors.encoder
import pipeline.feeds
import pipeline.text
from extractors.gate import GazetteerGate
from pipeline.language import detect

__all__ = ["extractors", "pipeline"]

detect("The words of a sentence in English load the tables of the languages.")
GazetteerGate().passes("The regulator blocks the service in the country.")
