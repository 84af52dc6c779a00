"""The process of one flow run: Prefect's engine, which ends with the runner that started it.

`python -m flows.serving.engine RUN_ID`. What Prefect needs to know of the run it asks the server for.
"""

import os
import runpy

from flows.serving import prefect_logs
from flows.serving.processes import die_with_parent


def main() -> None:
    """Run the flow run that the argument names."""
    die_with_parent()
    prefect_logs.begin(os.environ.get("PREFECT__DEPLOYMENT_NAME", "flow"))
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
