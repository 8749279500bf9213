"""A verifier asks, and hands on what was said: nothing else is an answer."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from plainsail.ports.errors import Failure, Fenced
from plainsail.ports.verifier import Terms
from plainsail.testing.conformance.bench import PATIENCE, needs, story
from plainsail.testing.conformance.verifier.bench import HIDDEN, VerifierBench, question


def test_its_settings_are_terms(bench: VerifierBench) -> None:
    """`Config` extends `Terms`: every check has a name, a time between questions, retries, and what follows from silence."""
    assert issubclass(bench.config_type, Terms)


@pytest.mark.parametrize("verdict", ["go", "no_go", "not_yet"])
@story
async def test_what_is_said_is_handed_on(bench: VerifierBench, verdict: str) -> None:
    """Go is go, no is no, not yet is not yet; the reason comes with it."""
    bench.says(verdict, "the load test says 12 of 300 failed")
    answer = await bench.ask().ask(question())
    assert answer.verdict == verdict
    assert "12 of 300" in answer.reason


@story
async def test_it_is_asked_what_the_question_says(bench: VerifierBench) -> None:
    """The other side learns of what it is asked, and the key by which it knows a question again."""
    bench.says("go")
    await bench.ask().ask(question())
    (heard,) = bench.heard()
    for name in (
        "key",
        "moment",
        "service",
        "environment",
        "rollout",
        "step",
        "version",
        "release",
        "live",
        "by",
    ):
        assert heard[name] == getattr(question(), name)
    assert int(heard["share_bp"]) == 1000


@story
async def test_the_same_question_has_the_same_key(bench: VerifierBench) -> None:
    """Asked twice, it is known again."""
    bench.says("not_yet")
    verifier = bench.ask()
    await verifier.ask(question())
    await bench.ask().ask(question())
    assert [one["key"] for one in bench.heard()] == ["r-1/3/0"] * 2


@pytest.mark.parametrize("trouble", ["fails", "hangs", "floods"])
@story
async def test_who_says_nothing_has_not_said_go(bench: VerifierBench, trouble: str) -> None:
    """Raise an error of the port, in time: whoever breaks, hangs, or drowns us in words has given no answer."""
    getattr(bench, trouble)()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(Failure) as failed:
            await bench.ask().ask(question())
    assert failed.value.code
    assert not isinstance(failed.value, Fenced)


@story
async def test_it_heeds_cancellation(bench: VerifierBench) -> None:
    """Nobody listens any more: it ends at once, and holds nothing."""
    bench.hangs()
    asking = asyncio.create_task(bench.ask().ask(question()))
    await bench.until(_heard(bench), len)
    asking.cancel()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(asking, return_exceptions=True)
    assert asking.cancelled() or isinstance(asking.exception(), Failure)


@story
async def test_it_asks_again_after_a_failure(bench: VerifierBench) -> None:
    """What failed once is no state: the next question is asked anew."""
    bench.fails()
    with pytest.raises(Failure):
        await bench.ask().ask(question())
    bench.says("go")
    assert (await bench.ask().ask(question())).verdict == "go"


@story
async def test_many_at_once(bench: VerifierBench) -> None:
    """Questions of many services may be under way at once."""
    bench.says("go")
    verifier = bench.ask()
    answers = await asyncio.gather(*(verifier.ask(question(key=f"r-{n}/3/0")) for n in range(6)))
    assert [one.verdict for one in answers] == ["go"] * 6
    assert {one["key"] for one in bench.heard()} == {f"r-{n}/3/0" for n in range(6)}


@pytest.mark.parametrize("text", ["büro & <b>", '"; $(reboot) --', "a\nb", "\u202e 😀", "x" * 20_000])
@story
async def test_names_and_reasons_may_be_anything(bench: VerifierBench, text: str) -> None:
    """What people wrote arrives as text, and what is answered comes back as one line that is not long."""
    bench.says("no_go", text)
    answer = await bench.ask().ask(question(version=text[:200], reason=text))
    assert answer.verdict == "no_go"
    assert answer.reason.isprintable()
    assert len(answer.reason) < 1_000
    assert bench.heard()[0]["version"] == text[:200]


@needs("keeps_a_secret")
@pytest.mark.parametrize("trouble", ["none", "fails", "hangs"])
@story
async def test_its_secret_is_nobody_elses(
    bench: VerifierBench, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither an answer nor an error, its cause, or any log holds the secret."""
    caplog.set_level(logging.DEBUG)
    shown: list[Any] = []
    if trouble != "none":
        getattr(bench, trouble)()
    try:
        shown.append(await bench.ask().ask(question()))
    except Failure as failure:
        cause = None if failure.__suppress_context__ else failure.__context__
        shown += [failure, failure.next_step, cause, failure.__cause__]
    assert HIDDEN not in caplog.text
    assert not [one for one in shown if HIDDEN in str(one)]


def _heard(bench: VerifierBench) -> Any:
    async def look() -> list[dict[str, Any]]:
        return bench.heard()

    return look
