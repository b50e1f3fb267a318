# SPDX-License-Identifier: GPL-2.0-or-later
"""Stands before a Redis and gives its answers later, as a network or a disk that is slow."""

import asyncio
import contextlib
import threading
from pathlib import Path


class SlowRedis:
    """Listens at ``url``; each answer comes ``late_s`` after Redis gave it. Until ``stop``."""

    def __init__(self, upstream: Path, folder: Path) -> None:
        self.late_s = 0.0
        self._upstream = upstream
        self._path = folder / "slow.sock"
        self.url = f"unix://{self._path}"
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slow Redis", daemon=True)
        self._thread.start()
        self._ready.wait(5)

    def stop(self) -> None:
        """Stop listening; connections end."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(5)

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        server = await asyncio.start_unix_server(self._connected, self._path)
        self._ready.set()
        await self._end.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(
        self, asking: asyncio.StreamReader, answering: asyncio.StreamWriter
    ) -> None:
        answers, questions = await asyncio.open_unix_connection(self._upstream)
        try:
            await asyncio.gather(self._pass_on(asking, questions),
                                 self._pass_on(answers, answering, late=True))
        finally:
            answering.close()
            questions.close()

    async def _pass_on(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, late: bool = False
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                if late:
                    await asyncio.sleep(self.late_s)
                sink.write(data)
                await sink.drain()
        sink.close()
