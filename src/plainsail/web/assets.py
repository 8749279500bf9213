"""The pages' own files and those of others (`vendor.json`), held in memory under a path that changes with them."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import msgspec
from litestar import Response, route
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from plainsail.app.access import OPEN, PAGE

TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
FOR_EVER = "public, max-age=31536000, immutable"
"""A year: another content has another path."""
NO_GUESS = {"X-Content-Type-Options": "nosniff"}
"""A file is what its type says."""


class Assets(msgspec.Struct, frozen=True):
    """Files by name, and the digest of them all."""

    contents: dict[str, bytes]
    digest: str

    def url(self, name: str) -> str:
        return f"/static/{self.digest}/{name}"

    def has(self, name: str) -> bool:
        return name in self.contents


def load() -> Assets:
    """From the package. Files of others are missing where the package was not built, only checked out."""
    contents: dict[str, bytes] = {}
    for folder in ("static", "vendor"):
        place = files("plainsail.web") / folder
        for file in place.iterdir() if place.is_dir() else ():
            if file.name.rpartition(".")[2] in TYPES:
                contents[file.name] = file.read_bytes()
    hasher = hashlib.sha256()
    for name in sorted(contents):
        hasher.update(b"%s %d\n" % (name.encode(), len(contents[name])) + contents[name])
    return Assets(contents, hasher.hexdigest()[:12])


ASSETS = load()


@route(
    "/static/{digest:str}/{name:str}",
    http_method=["GET", "HEAD"],
    opt={PAGE: True, OPEN: True},
    sync_to_thread=False,
)
def static(digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """One file; open, since the sign-in page needs them."""
    if digest != ASSETS.digest or name not in ASSETS.contents:
        return Response(b"", status_code=404, media_type="text/plain", headers=NO_GUESS)
    media_type = TYPES[name.rpartition(".")[2]]
    return Response(
        ASSETS.contents[name], media_type=media_type, headers={**NO_GUESS, "Cache-Control": FOR_EVER}
    )


HANDLERS: list[ControllerRouterHandler] = [static]
