"""Jobs in threads: results, failures, and a deadline that no hanging job can move."""

import threading
import time

from preflight.cluster.errors import ApiError
from preflight.cluster.jobs import run_jobs, why_failed


def test_every_job_is_answered_and_a_failure_costs_only_itself():
    def fail():
        raise KeyError("x")

    found = dict(run_jobs([lambda: 1, fail, lambda: 3], workers=2, deadline=None))
    assert found[0] == 1
    assert found[2] == 3
    assert isinstance(found[1], KeyError)


def test_no_more_threads_than_asked_for():
    running, most, lock = 0, 0, threading.Lock()
    gate = threading.Barrier(3, timeout=10)

    def job():
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait()
        with lock:
            running -= 1

    assert len(list(run_jobs([job] * 9, workers=3, deadline=None))) == 9
    assert most == 3


def test_a_job_that_hangs_is_left_behind_at_the_deadline():
    held = threading.Event()
    try:
        found = dict(run_jobs([held.wait, lambda: 2], workers=2, deadline=time.monotonic() + 0.2))
        assert found == {1: 2}
    finally:
        held.set()


def test_nothing_is_started_after_the_deadline():
    held, started = threading.Event(), []
    try:
        assert dict(run_jobs([held.wait, lambda: started.append(1)], workers=1, deadline=time.monotonic() - 1)) == {}
    finally:
        held.set()
    for thread in threading.enumerate():
        if thread.name.startswith("preflight-read"):
            thread.join(10)
    assert not started


def test_reasons_have_a_code():
    assert str(why_failed(ApiError("forbidden", "cannot list pods"))) == "forbidden: cannot list pods"
    assert str(why_failed(KeyError("spec"))) == "crashed: KeyError: 'spec'"
