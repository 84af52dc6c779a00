"""Flows on a small cluster, all of it real and on loopback: the short form of `clampdown prove cluster`."""

import pytest

from clampdown.proofs import cluster
from clampdown.proofs.postgres import binaries
from pipeline.errors import InputError

pytest.importorskip("distributed", reason="the extra `dask` is not installed")
pytest.importorskip("psycopg", reason="the extra `lake` is not installed")


@pytest.mark.timeout(1200)  # a dozen processes, on a machine that may be busy with other tests
def test_flows_on_a_cluster_end_in_the_tables_of_one_process() -> None:
    try:
        binaries()
    except InputError as error:
        pytest.skip(str(error))
    told: list[str] = []
    proof = cluster.prove(told.append, short=True)
    failed = [f"{one.text}: {one.measured}, not {one.promised}" for one in proof.claims if not one.holds]
    assert failed == []
    assert len(proof.claims) == 5
    assert told


def test_shares_are_read_from_what_a_run_says() -> None:
    said = """info ingest items answered by Dask workers: 47 by tcp://127.0.0.1:42371, 53 by tls://[::1]:42937
    info ingest items answered by Dask workers: 3 by tcp://127.0.0.1:42371"""
    assert cluster._shares(said) == {"tcp://127.0.0.1:42371": 50, "tls://[::1]:42937": 53}
