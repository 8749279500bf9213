"""A notifier tells people: once, in words, and never at a rollout's expense."""

from __future__ import annotations

import asyncio
import logging
from typing import get_args

import pytest

from plainsail.domain.events import Kind
from plainsail.ports.errors import Transient
from plainsail.testing.conformance.bench import PATIENCE, story
from plainsail.testing.conformance.notifier.bench import HIDDEN, NotifierBench, event


@story
async def test_an_event_is_told_once(bench: NotifierBench) -> None:
    """`tell` has told it when it returns: one message, with the service, the version and the reason."""
    await bench.make().tell(event())
    (said,) = bench.heard()
    for word in (b"shop", b"production", b"1.4", b"12 of 300 requests failed"):
        assert word in said


@story
async def test_every_event_can_be_told_of(bench: NotifierBench) -> None:
    """Whatever happened, `tell` takes it; what needs no person it may keep to itself. None is told twice."""
    notifier = bench.make()
    for kind in get_args(Kind):
        before = len(bench.heard())
        await notifier.tell(event(kind))
        assert len(bench.heard()) <= before + 1


@story
async def test_what_people_wrote_arrives_whatever_it_is(bench: NotifierBench) -> None:
    """Reasons hold any text: other alphabets, markup, newlines, much of it."""
    notifier = bench.make()
    for reason in ("büro & <b>", '"; --', "a\nb\0c", "\u202e 😀", "x" * 50_000):
        before = len(bench.heard())
        await notifier.tell(event(reason=reason))
        assert len(bench.heard()) == before + 1


@story
async def test_many_at_once(bench: NotifierBench) -> None:
    """`tell` may be called while others are under way; each is told."""
    notifier = bench.make()
    await asyncio.gather(*(notifier.tell(event(reason=f"number {n}.")) for n in range(10)))
    said = b"\n".join(bench.heard())
    assert len(bench.heard()) == 10
    assert all(f"number {n}.".encode() in said for n in range(10))


@pytest.mark.parametrize("trouble", ["refuses", "is gone"])
@story
async def test_a_receiver_in_trouble_is_transient_and_its_address_stays_a_secret(
    bench: NotifierBench, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Raise Transient, in time; neither the error, nor its cause, nor any log holds the address, which is a secret."""
    caplog.set_level(logging.DEBUG)
    notifier = bench.make()
    await notifier.tell(event())
    bench.refuse() if trouble == "refuses" else await asyncio.to_thread(bench.die)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(Transient) as failed:
            await notifier.tell(event())
    assert failed.value.code
    shown = [str(failed.value), failed.value.next_step, caplog.text]
    cause = None if failed.value.__suppress_context__ else failed.value.__context__
    shown += [str(cause or ""), str(failed.value.__cause__ or "")]
    assert not [text for text in shown if HIDDEN in text]
