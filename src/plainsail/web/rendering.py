"""Templates, and the words and numbers in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response
from litestar.datastructures import Cookie
from litestar.types import ResponseHeaders

from plainsail import __version__
from plainsail.app.documents import RolloutDocument
from plainsail.domain import telling, trial_told
from plainsail.domain.release import short
from plainsail.domain.units import percent, percent_of, plural, seconds
from plainsail.web import arms, sentences
from plainsail.web.assets import ASSETS
from plainsail.web.spark import spark

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, nothing inline, nobody frames us."""

HEADERS: dict[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # `no-referrer` would make browsers send forms without their origin
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@cache
def templates() -> Environment:
    made = Environment(
        loader=PackageLoader("plainsail.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        percent=percent,
        ratio=percent_of,
        seconds=seconds,
        short=short,
        iso=iso,
        clock=clock,
        count=lambda n: f"{n:,}",
        digits=digits,
        answer_time=answer_time,
        words=lambda code: str(code).replace("_", " "),
    )
    made.globals.update(
        asset=ASSETS.url, has_asset=ASSETS.has, product_version=__version__, plural=plural,
        sentences=sentences, telling=telling, spark=spark, took=took, arms=arms, trial_told=trial_told,
    )  # fmt: skip
    return made


def render(template: str, **values: Any) -> str:
    return templates().get_template(template).render(**values)


def page(
    template: str,
    *,
    status: int = 200,
    headers: ResponseHeaders | None = None,
    cookies: Sequence[Cookie] = (),
    **values: Any,
) -> Response[str]:
    """An answer that no cache keeps: it is of this moment and of this person."""
    shown = {**HEADERS, "Cache-Control": "no-store", **(dict(headers) if isinstance(headers, dict) else {})}
    return Response(
        render(template, **values), status_code=status, media_type="text/html", headers=shown, cookies=cookies
    )


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(at: float) -> str:
    """Where no script turns it into the reader's own time: `2026-11-21 06:48:30 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def digits(value: float) -> str:
    """Three that count, never with an exponent: `0.0123`, `12.3`, `1,230`."""
    text = f"{Decimal(f'{value:.2e}'):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def answer_time(milliseconds: float) -> str:
    """`35.2 ms`, and `1.5 s` from a second on."""
    in_seconds = milliseconds >= 999.5  # what is less is not written as 1,000 ms
    return f"{digits(milliseconds / 1000)} s" if in_seconds else f"{digits(milliseconds)} ms"


def took(rollout: RolloutDocument) -> str:
    if rollout.started_at is None or rollout.ended_at is None:
        return ""
    return seconds(max(0.0, rollout.ended_at - rollout.started_at))
