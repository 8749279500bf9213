"""A metric source in trouble says so in time, comes back by itself, and tells nobody its secrets."""

from __future__ import annotations

import asyncio
import logging
from typing import Literal

import pytest

from plainsail.ports.errors import Broken, Failure, Rejected, Transient
from plainsail.testing.conformance.bench import PATIENCE, needs, story
from plainsail.testing.conformance.metrics.bench import HIDDEN, HttpBench, MetricsBench
from plainsail.testing.conformance.metrics.door import Door, Trouble


@story
async def test_a_source_that_is_gone_is_transient_and_comes_back(bench: MetricsBench) -> None:
    """The same object answers again; nobody has to start it anew."""
    await bench.put(bench.counted("one", 10))
    source = bench.make()
    await source.start()
    try:
        before = await source.read(bench.ask("one"))
        assert before.parts
        await asyncio.to_thread(bench.fall, "gone")
        for _ in range(2):
            async with asyncio.timeout(PATIENCE):
                with pytest.raises(Transient):
                    await source.read(bench.ask("one"))
        bench.recover()
        assert await source.read(bench.ask("one")) == before
    finally:
        await source.stop()


@story
async def test_a_source_that_is_silent_is_transient(bench: MetricsBench) -> None:
    """No answer within `timeout`; others' questions are not kept waiting by it."""
    await bench.put(bench.counted("one", 10))
    bench.hurried().fall("silent")
    async with asyncio.timeout(PATIENCE):
        found = await asyncio.gather(
            *(bench.read(bench.ask("one")) for _ in range(3)), return_exceptions=True
        )
    assert [type(each) for each in found] == [Transient] * 3


@story
async def test_an_answer_without_end_is_rejected(bench: MetricsBench) -> None:
    """It fills nobody's memory."""
    bench.fall("endless")
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(Rejected):
            await bench.read(bench.ask("one"))


@needs("over_http")
@story
async def test_a_source_that_is_overloaded_is_transient(bench: HttpBench) -> None:
    await bench.put(bench.counted("one", 10))
    bench.fall("unwell")
    with pytest.raises(Transient, match="503"):
        await bench.read(bench.ask("one"))


@needs("over_http")
@story
async def test_the_token_is_read_anew(bench: HttpBench) -> None:
    """Tokens are replaced while we run. Without the right one it is Broken: a person must look."""
    await bench.put(bench.counted("one", 10))
    source = bench.make()
    await source.start()
    try:
        assert (await source.read(bench.ask("one"))).parts
        for content in ("another", "", "two\nlines", "b\u00fcro"):
            bench.token.write_text(content)
            with pytest.raises(Broken):
                await source.read(bench.ask("one"))
        bench.token.unlink()
        with pytest.raises(Broken, match="can't be read"):
            await source.read(bench.ask("one"))
        bench.token.write_text(HIDDEN)
        assert (await source.read(bench.ask("one"))).parts
    finally:
        await source.stop()


@needs("over_http")
@story
async def test_no_redirect_is_followed(bench: HttpBench) -> None:
    """It could lead anywhere, with the token."""
    elsewhere = Door(lambda *_: (200, b"{}"))
    try:
        bench.door.leads_to = f"{elsewhere.url}/"
        bench.fall("redirect")
        with pytest.raises(Broken):
            await bench.read(bench.ask("one"))
        assert elsewhere.asked == 0
    finally:
        elsewhere.shut()


@needs("over_http")
@story
async def test_what_answers_is_another_server(bench: HttpBench) -> None:
    """A page to sign in, with status 200, is no data and no empty window."""
    bench.fall("foreign")
    with pytest.raises((Broken, Rejected)):
        await bench.read(bench.ask("one"))


@needs("over_http")
@pytest.mark.parametrize(
    "trouble", ["gone", "silent", "unwell", "redirect", "foreign", "endless", "denied", "wrong"]
)
@story
async def test_secrets_are_in_no_message_and_no_log(
    bench: HttpBench, trouble: Trouble | Literal["gone", "denied", "wrong"], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the token, nor a password in the address: not in the error, its cause, or any log."""
    caplog.set_level(logging.DEBUG)
    await bench.put(bench.counted("one", 10))
    hidden = "pa55word-in-the-address"
    bench.hurried()
    if trouble == "denied":
        bench.door.expect("now it is another")
    elif trouble != "wrong":
        await asyncio.to_thread(bench.fall, trouble)
    for url, token in (
        (bench.door.url, str(bench.token)),
        (f"http://me:{hidden}@{bench.door.url[7:]}", None),
    ):
        bench.settings = {**bench.settings, "url": url, "token": token}
        with pytest.raises(Failure) as failed:
            await bench.read(bench.ask("one", "wrong" if trouble == "wrong" else "counts"))
        error = failed.value
        shown = [str(error), error.next_step, repr(error), caplog.text, str(error.__cause__ or "")]
        shown += [] if error.__suppress_context__ else [str(error.__context__ or "")]
        assert not [text for text in shown for secret in (HIDDEN, hidden) if secret in text]
