"""The process of one flow run: Prefect's engine, which ends with the runner that started it.

`python -m flows.serving.engine RUN_ID`. What Prefect needs to know of the run it asks the server for. A line on
standard input says that the signal to end is about to come, so that the log does not call it a failure of all that is
under way.
"""

import os
import runpy
import threading

from flows.serving import prefect_logs
from flows.serving.processes import die_with_parent
from pipeline.logs import only_ours


def main() -> None:
    """Run the flow run that the argument names."""
    die_with_parent()
    threading.Thread(target=_await_end, name="end", daemon=True).start()
    prefect_logs.begin(os.environ.get("PREFECT__DEPLOYMENT_NAME", "flow"))
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


def _await_end() -> None:
    # Not `sys.stdin`: Python can't end while a thread waits for that.
    if os.read(0, 1):
        only_ours()


if __name__ == "__main__":
    main()
