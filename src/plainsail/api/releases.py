"""Releases: looked up, and uploaded as an uncompressed tar that never rests in memory."""

from __future__ import annotations

import asyncio
import errno
import tempfile
from collections.abc import AsyncIterator
from typing import Annotated, Any, BinaryIO, cast

from litestar import Request, get, put
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.types import ControllerRouterHandler

from plainsail.api.params import Asking, Ctx
from plainsail.app import releases as use
from plainsail.app.access import allow
from plainsail.app.documents import ReleaseDocument
from plainsail.domain.units import plural
from plainsail.ports.errors import Broken, Rejected

SPOOL_BLOCK = 2**20
"""Bytes written at once: a thread for every packet would cost more than the write."""

Name = Annotated[str, QueryParameter(max_length=200)]


@get("/releases/{digest:str}", sync_to_thread=True)
def find(context: Ctx, request: Asking, digest: FromPath[str], service: FromQuery[str]) -> ReleaseDocument:
    """A release of a service whose files are here: by digest, its first digits, or version."""
    return use.find_release(context, request.user, service, digest)


@put("/releases/{digest:str}", status_code=201, request_max_body_size=None)
async def upload(
    context: Ctx,
    request: Request[Any, Any, Any],
    digest: FromPath[str],
    service: FromQuery[str],
    version: Name = "",
    commit: Name = "",
    label: Annotated[list[str] | None, QueryParameter(description="`KEY=VALUE`, any number")] = None,
) -> ReleaseDocument:
    """Upload a tree as an uncompressed tar. It is kept if it is what the digest says; a second time changes nothing."""
    allow(request.user, "upload")
    labels = _labels(label or [])
    with tempfile.TemporaryFile(dir=context.spool) as spooled:
        file = cast(BinaryIO, spooled)
        await _spool(request.stream(), file, context.upload_limit)
        return await asyncio.to_thread(
            use.make_release, context, request.user, file,
            digest=digest, service=service, version=version, commit=commit, labels=labels,
        )  # fmt: skip


async def _spool(stream: AsyncIterator[bytes], file: BinaryIO, limit: int) -> None:
    block = bytearray()
    size = 0
    async for part in stream:
        size += len(part)
        if size > limit:
            raise Rejected(
                "too_large",
                f"The release is larger than {plural(limit, 'byte')}",
                "leave out what it does not need",
            )
        block += part
        if len(block) >= SPOOL_BLOCK:
            await asyncio.to_thread(_write, file, bytes(block))
            block.clear()
    await asyncio.to_thread(_write, file, bytes(block))
    file.seek(0)


def _write(file: BinaryIO, block: bytes) -> None:
    try:
        file.write(block)
        file.flush()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Broken(
            "disk_full", "No space is left for the release", "free some, then deploy it again"
        ) from error


def _labels(given: list[str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for one in given:
        key, equals, value = one.partition("=")
        if not key or not equals or len(one) > 500:
            raise Rejected("label_malformed", f"{one[:60]!r} is not a label", "write KEY=VALUE")
        labels[key] = value
    return labels


HANDLERS: list[ControllerRouterHandler] = [find, upload]
