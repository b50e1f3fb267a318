# SPDX-License-Identifier: GPL-2.0-or-later
"""Work for several processes, whose results come in the order of the jobs."""

import gc
import signal
from collections.abc import Callable, Generator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from redis.exceptions import RedisError

from kemi_routing.errors import FollowMeError
from provisioning.problems import Refused

T = TypeVar("T")
R = TypeVar("R")

_FORK = get_context("fork")
"""Functions need no name that can be imported, and hashes of texts are the same in all of them."""


def spread(work: Callable[[T], R], jobs: Sequence[T], processes: int) -> Generator[R, None, None]:
    """The result of each job; what ``work`` raises is raised here. A process does each so many-th
    job, and waits until its result is asked for: a few are held at a time.
    """
    readers: list[Connection[Any, Any]] = []
    running = []
    try:
        for index in range(processes):
            reader, writer = _FORK.Pipe(duplex=False)
            readers.append(reader)
            process = _FORK.Process(target=_serve, args=(
                work, jobs[index::processes], writer, tuple(readers)))
            process.start()
            running.append(process)
            writer.close()
        for index in range(len(jobs)):
            yield _received(readers[index % processes])
    finally:
        for process in running:
            process.terminate()
            process.join()
        for reader in readers:
            reader.close()


def _received(reader: "Connection[Any, Any]") -> Any:
    try:
        found = reader.recv()
    except EOFError:
        raise Refused("a process that looked at a part of the files has ended; is there too "
                      "little memory?") from None
    if isinstance(found, Exception):
        raise found
    return found


def _serve(work: Callable[[T], R], jobs: Sequence[T], writer: "Connection[Any, Any]",
           readers: "Sequence[Connection[Any, Any]]") -> None:
    """Do these jobs, as long as there is somebody who wants the results."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    for reader in readers:
        reader.close()
    gc.freeze()
    gc.disable()  # most objects live as long as their job; what is left is collected behind it
    for job in jobs:
        gc.collect()
        try:
            found: object = work(job)
        except (Refused, FollowMeError, RedisError) as error:  # told where it is raised again
            found = error
        try:
            writer.send(found)
        except BrokenPipeError:
            return
