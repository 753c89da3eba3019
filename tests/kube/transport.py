"""The HTTP side: a kmock handler that records, applies faults and sends what the API answers.

Built on kmock: its server, its reading of requests and its reactions (`server.kmock["get /path"] << 418` works, and
comes before everything here). Not on its Kubernetes emulator: that one stores a write before any reaction can veto
it, so admission, dry run, preconditions and resourceVersion conflicts have no place there, and its discovery names
the core group `/v1` and a random preferred version.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import ssl
import struct
import traceback
from collections.abc import Callable
from datetime import UTC
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import aiohttp.test_utils
import aiohttp.web
import kmock

from .api import Answer, Call, of_error
from .faults import Call as CallFault
from .faults import Drip, Effect, Fail, Garbage, Reset, Stall, Truncate
from .watching import Watch

if TYPE_CHECKING:
    from .server import KubeServer


class Recorded(NamedTuple):
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class App(kmock.RawHandler):
    """The handler behind one KubeServer. Errors inside it are raised when the server is left."""

    def __init__(self, owner: KubeServer) -> None:
        super().__init__(strict=True)
        self.owner = owner
        self.dead = False
        self._released = asyncio.Event()

    async def __call__(self, raw_request: aiohttp.web.BaseRequest) -> aiohttp.web.StreamResponse:
        """Serve a request; by way of kmock's reactions where a test has some (it cannot read `/api/v1/namespaces`)."""
        call = _call(raw_request, await raw_request.read())
        self.owner.requests.append(Recorded(call.method, call.path, call.query, dict(call.headers), call.body))
        if self._payloads and not raw_request.path.endswith("/namespaces"):
            return await super().__call__(raw_request)
        try:
            return await self._serve(raw_request)
        except Exception as error:  # raised again when the server is left
            self.errors.append(error)
            return aiohttp.web.Response(text=traceback.format_exc(), status=500)

    async def _handle(self, request: kmock.Request) -> aiohttp.web.StreamResponse:
        try:
            return await super()._handle(request)
        except NotImplementedError:  # none of the test's reactions fits
            return await self._serve(cast(aiohttp.web.BaseRequest, request._raw_request))

    async def _serve(self, raw: aiohttp.web.BaseRequest) -> aiohttp.web.StreamResponse:
        if self.dead:
            return _abort(raw)
        call = _call(raw, await raw.read())
        with self.owner.lock:
            effect = self.owner._begin(call, raw.path_qs)
        if isinstance(effect, Stall) and effect.after is None:
            await self._hold()
        if isinstance(effect, Reset) and not effect.done:
            return _abort(raw)
        with self.owner.lock:
            if isinstance(effect, CallFault):
                effect.action(self.owner)
            if self.dead:
                return _abort(raw)
            answer: Answer | Watch = (
                of_error(effect.error()) if isinstance(effect, Fail) else self.owner.api.answer(call)
            )
        if isinstance(effect, Reset):
            return _abort(raw)
        if isinstance(effect, Garbage):
            answer = Answer(200, effect.body)
        if isinstance(answer, Watch):
            return await self._watch(raw, answer)
        return await self._send(raw, answer, effect)

    def release(self) -> None:
        """Let the answers go that are being held."""
        self._released.set()
        self._released = asyncio.Event()

    async def _hold(self) -> None:
        released = self._released
        self.owner.stalled.set()
        await released.wait()

    async def _send(
        self, raw: aiohttp.web.BaseRequest, answer: Answer, effect: Effect | None
    ) -> aiohttp.web.StreamResponse:
        body, headers = answer.body, {"Content-Type": answer.content_type, **answer.headers}
        headers["Date"] = self._date()
        headers["Cache-Control"] = "no-cache, private"
        if "gzip" in raw.headers.get("Accept-Encoding", "") and raw.method == "GET":
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        if not isinstance(effect, Truncate | Stall | Drip):
            return aiohttp.web.Response(status=answer.status, body=body, headers=headers)
        response = aiohttp.web.StreamResponse(status=answer.status, headers=headers)
        response.content_length = len(body)
        await response.prepare(raw)
        await self._trickle(raw, response, body, effect)
        return response

    async def _watch(self, raw: aiohttp.web.BaseRequest, watch: Watch) -> aiohttp.web.StreamResponse:
        response = aiohttp.web.StreamResponse(headers={"Content-Type": "application/json", "Date": self._date()})
        changed, loop = asyncio.Event(), asyncio.get_running_loop()
        listeners = self.owner.api.store.listeners
        listeners.append(tell := lambda: loop.call_soon_threadsafe(changed.set))
        try:
            await response.prepare(raw)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(watch.timeout):
                    while True:
                        changed.clear()
                        with self.owner.lock:
                            lines = watch.lines()
                        await response.write(lines)
                        await changed.wait()
        finally:
            listeners.remove(tell)
        return response

    def _date(self) -> str:
        return format_datetime(self.owner.clock.astimezone(UTC), usegmt=True)

    async def _trickle(
        self, raw: aiohttp.web.BaseRequest, response: aiohttp.web.StreamResponse, body: bytes, effect: Effect
    ) -> None:
        if isinstance(effect, Truncate):
            await response.write(body[: effect.at])
            if raw.transport is not None:
                raw.transport.close()
        elif isinstance(effect, Stall):
            await response.write(body[: effect.after])
            await self._hold()
            await response.write(body[effect.after :])
        elif isinstance(effect, Drip):
            for start in range(0, len(body), effect.chunk):
                await asyncio.sleep(effect.pause)
                await response.write(body[start : start + effect.chunk])


def _call(raw: aiohttp.web.BaseRequest, body: bytes) -> Call:
    return Call(raw.method, raw.path, dict(raw.query), raw.headers, body)


def _abort(raw: aiohttp.web.BaseRequest) -> aiohttp.web.StreamResponse:
    """Break the connection: a TCP reset, not an orderly end."""
    if raw.transport is not None:
        reset(raw.transport)
    return aiohttp.web.Response()


def reset(transport: asyncio.BaseTransport) -> None:
    """Reset a connection."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(transport, asyncio.Transport):
        transport.abort()


def listener(context: ssl.SSLContext | None) -> Callable[..., aiohttp.test_utils.RawTestServer]:
    """Return the server class for kmock: aiohttp's, with TLS if a context is given."""

    class Listener(aiohttp.test_utils.RawTestServer):
        async def start_server(self, loop: asyncio.AbstractEventLoop | None = None, **kwargs: Any) -> None:
            await super().start_server(loop=loop, ssl=context, **kwargs)

    return Listener
