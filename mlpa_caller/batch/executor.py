"""One way to hand runs to processes: those of this machine, or the workers of a Dask cluster.

Both give a ``concurrent.futures.Executor``. A process that dies (a crash, or the system's answer to a lack of
memory) takes no other run with it: here the runs that were under way are done again one at a time, so that the
one that kills its process twice is known; Dask does the same on its other workers.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from mlpa_caller.errors import MissingExtraError, MlpaError, UsageError

__all__ = ["Crew", "DaskCrew", "LocalCrew", "crew", "outcomes"]

SURROUNDINGS = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 28),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 28),
}
"""What a new process finds in its environment, unless the user has set it: libraries that would start threads of
their own keep to one, and glibc keeps the memory of arrays for the next ones (a sixth less time)."""
_AHEAD = 3
"""Tasks a process, done and waiting: few, so that memory does not grow with the number of runs."""
_ANSWER = "30s"

T = TypeVar("T")
R = TypeVar("R")


class Crew(Protocol):
    """Those who do the work."""

    def open(self) -> Executor:
        """Return an executor, a new one after a process died."""

    def close(self) -> None:
        """End all processes that were started, once they have done what they are at."""

    def leave(self) -> None:
        """Give up what is under way."""

    @property
    def window(self) -> int:
        """Number of tasks to have under way."""


class LocalCrew:
    """Processes of this machine.

    Parameters
    ----------
    workers
        Number of processes; 0 for one a processor that this process may use.
    """

    def __init__(self, workers: int = 0) -> None:
        if workers < 0:
            raise UsageError(f"{workers} workers cannot work", remedy="give at least 1")
        self.workers = workers or _processors()
        self._pool: ProcessPoolExecutor | None = None
        self._others = frozenset(multiprocessing.active_children())

    def open(self) -> Executor:
        """Return a new pool of processes, each started afresh."""
        self.close()
        context = multiprocessing.get_context("spawn")  # safe beside threads, and the same on every system
        self._pool = ProcessPoolExecutor(self.workers, mp_context=context, initializer=start_worker)
        return self._pool

    def close(self) -> None:
        """End the processes after the runs they are at."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def leave(self) -> None:
        """End the processes at once; the runs under way are lost, and nothing else."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                if process not in self._others:
                    process.kill()

    @property
    def window(self) -> int:
        """Number of tasks to have under way."""
        return _AHEAD * self.workers


class DaskCrew:
    """The workers of a Dask scheduler.

    Parameters
    ----------
    address
        Of the scheduler, for instance ``tcp://10.0.0.5:8786``.

    Raises
    ------
    MissingExtraError
        If Dask is not installed.
    UsageError
        If no scheduler answers at the address.
    """

    def __init__(self, address: str) -> None:
        try:
            distributed: Any = importlib.import_module("distributed")
        except ModuleNotFoundError:
            raise MissingExtraError(
                "--scheduler needs dask, which is not installed",
                remedy="install the extra: pip install 'mlpa-caller[dask]'",
            ) from None
        try:
            self._client = distributed.Client(address, timeout=_ANSWER, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"no Dask scheduler answers at {address} ({type(error).__name__})",
                remedy="start one with: dask scheduler",
            ) from error

    def open(self) -> Executor:
        """Return the cluster as an executor; what is not pure is never taken from an earlier answer."""
        executor: Executor = self._client.get_executor(pure=False)
        return executor

    def close(self) -> None:
        """Leave the cluster; it goes on without this program."""
        self._client.close()

    def leave(self) -> None:
        """Do nothing more: runs that were not begun are taken back as the connection is closed."""

    @property
    def window(self) -> int:
        """Number of tasks to have under way; the cluster may grow while it works."""
        return max(32, _AHEAD * sum(map(int, self._client.ncores().values())))


@contextmanager
def crew(workers: int = 0, scheduler: str | None = None) -> Iterator[Crew]:
    """Give those who do the work, and send them home at the end.

    Parameters
    ----------
    workers
        Number of processes here; 0 for one a processor.
    scheduler
        Address of a Dask scheduler, whose workers are used instead.
    """
    found: Crew = LocalCrew(workers) if scheduler is None else DaskCrew(scheduler)
    added = {name: value for name, value in SURROUNDINGS.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield found
    except BaseException:  # an interrupt above all: nobody waits for runs that are under way
        found.leave()
        raise
    finally:
        found.close()
        for name in added:
            os.environ.pop(name, None)


def outcomes(
    people: Crew, work: Callable[[T], R], tasks: Iterable[T], failed: Callable[[T, BaseException], R]
) -> Iterator[R]:
    """Give what `work` makes of every task, as they are done.

    Parameters
    ----------
    people
        Who works.
    work
        A function that other processes can import.
    tasks
        Taken one by one as processes become free.
    failed
        Gives the result of a task whose process raised, or died twice.

    Raises
    ------
    MlpaError
        If the cluster was lost.
    """
    pool = people.open()
    waiting = iter(tasks)
    under_way: dict[Future[R], T] = {}
    suspects: deque[T] = deque()
    more = True
    while more or under_way or suspects:
        while more and not suspects and len(under_way) < people.window:
            task = next(waiting, None)
            more = task is not None
            if task is not None and not _submit(pool, work, task, under_way):
                suspects.append(task)
        done = wait(under_way, return_when=FIRST_COMPLETED).done if under_way else ()
        for future in done:
            task = under_way.pop(future)
            error = _error(future)
            if isinstance(error, BrokenExecutor):
                suspects.append(task)
            else:
                yield future.result() if error is None else failed(task, error)
        if suspects and not under_way:
            while suspects:
                yield _alone(people, work, suspects.popleft(), failed)
            pool = people.open()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C while processes may be started: they take that over, and are silent until they ignore it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _submit(pool: Executor, work: Callable[[T], R], task: T, under_way: dict[Future[R], T]) -> bool:
    try:
        with _uninterrupted():
            under_way[pool.submit(work, task)] = task
    except BrokenExecutor:
        return False
    return True


def _alone(people: Crew, work: Callable[[T], R], task: T, failed: Callable[[T, BaseException], R]) -> R:
    """Do one task in new processes, with nothing beside it: twice, as it may not have been begun before."""
    for _ in range(2):
        with _uninterrupted():
            future = people.open().submit(work, task)
        error = _error(future)
        if not isinstance(error, BrokenExecutor):
            break
    return future.result() if error is None else failed(task, error)


def _error(future: Future[Any]) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError:
        raise MlpaError(
            "the connection to the scheduler was lost", remedy="run the command again with --resume"
        ) from None


def start_worker() -> None:
    """Prepare a process: it leaves interrupts to the one that started it, and ends when that one is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
