"""One instance from its start to its end: what it is given, when it is ready, what is counted when it fails."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from plainsail.domain.service import Probe, Run
from plainsail.ports.errors import Failure
from plainsail.ports.provider import OutputLine, Provider
from plainsail.testing.conformance.bench import needs, story
from plainsail.testing.conformance.provider.bench import ProviderBench, fleet, gone, ready

HASTY = 0.8
"""Seconds within which an instance must be ready, where it never is."""


@story
@needs("answers")
async def test_instances_are_given_what_the_order_says(
    bench: ProviderBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command in the release's directory with `{port}` filled in; `PORT`, `run.env`, the files of `run.secrets` and
    the `PLAINSAIL_` variables; nothing else of the control plane's own environment."""
    monkeypatch.setenv("TOKEN_OF_THE_CONTROL_PLANE", "hidden")
    secret = bench.directory / "password"
    secret.write_text("s3cr3t\n")
    run = bench.run(env={"LOG_LEVEL": "debug"}, secrets={"DB_PASSWORD": str(secret)})
    release = bench.release()
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(release, run=run)), 1)
        (one,) = (await bench.comes(provider, ready(1))).instances
        given = await bench.given(one.address)
        port = one.address.rpartition(":")[2]
        expected = {
            "PORT": port, "LOG_LEVEL": "debug", "DB_PASSWORD": "s3cr3t", "PLAINSAIL_SERVICE": "shop",
            "PLAINSAIL_ENVIRONMENT": "production", "PLAINSAIL_GROUP": "shop-1", "PLAINSAIL_VERSION": "1.0",
            "PLAINSAIL_INSTANCE": one.id,
        }  # fmt: skip
        assert {name: given.get(f"env {name}") for name in expected} == expected
        assert given["cwd"] == str(bench.artifacts.tree(release))
        assert port in given["args"]
        assert "hidden" not in given.values()
        bench.artifacts.check(release)  # running it leaves nothing in it
        await provider.end()


@story
@needs("answers")
async def test_what_people_write_never_reaches_a_shell(bench: ProviderBench) -> None:
    """Arguments and values arrive letter by letter, whatever is in them."""
    strange = ["$HOME", "; touch $SUITE_BOOK/shell", "`id`", "a  b", "'", '"', "*", "-x", "\\", "ü", "a\nb"]
    run = bench.run(*strange, env={"STRANGE": "$(touch $SUITE_BOOK/shell) 'ü' \""})
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(bench.release(), run=run)), 1)
        (one,) = (await bench.comes(provider, ready(1))).instances
        given = await bench.given(one.address)
        assert repr(strange)[1:] in given["args"]
        assert given["env STRANGE"] == run.env["STRANGE"]
        assert not (bench.book / "shell").exists()
        await provider.end()


@story
async def test_starting_until_the_probe_says_yes(bench: ProviderBench) -> None:
    """Ready means that the readiness probe has succeeded, not that a process is there."""
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(bench.release(late=1.0))), 1)
        seen = await bench.comes(provider, lambda seen: seen.instances)
        assert seen.instances[0].state == "starting"
        seen = await bench.comes(provider, ready(1))
        if bench.answers:
            assert await bench.ask(seen.instances[0].address, "/healthz") == "well"
        await provider.end()


@pytest.mark.parametrize("way", ["http", "tcp", "command", "none"])
@story
@needs("answers")
async def test_every_kind_of_probe_finds_it_ready(bench: ProviderBench, way: str) -> None:
    """`http`, `tcp` and `command`; and without a probe an instance that lives for a moment is ready."""
    asks = {
        "http": Probe(http="/healthz"),
        "tcp": Probe(tcp=True),
        "command": Probe(command=(bench.program, "-c", "import os; os.environ['PLAINSAIL_INSTANCE']")),
        "none": Probe(),
    }
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(bench.release(), run=bench.run(ready=asks[way]))), 1)
        await bench.comes(provider, ready(1))
        await provider.end()


@pytest.mark.parametrize("way", ["http", "command"])
@story
@needs("answers")
async def test_who_is_not_ready_in_time_is_a_failed_start(bench: ProviderBench, way: str) -> None:
    """After `ready.within` it is ended, counted in `failed_starts` and in `timed_out`, and tried again."""
    asks = {
        "http": Probe(http="/healthz", within=HASTY),
        "command": Probe(command=(bench.program, "-c", "raise SystemExit(1)"), within=HASTY),
    }
    release = bench.release(sick="healthz")
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(release, run=bench.run(ready=asks[way]))), 1)
        seen = await bench.comes(provider, lambda seen: seen.timed_out)
        assert (seen.crashes, seen.ready()) == (0, 0)
        assert seen.failed_starts >= seen.timed_out
        assert seen.trouble
        await bench.comes(provider, lambda seen: seen.failed_starts >= 2)
        await provider.end()


@story
async def test_who_ends_before_it_is_ready_is_a_failed_start_and_tried_ever_more_seldom(
    bench: ProviderBench,
) -> None:
    """It is counted in `failed_starts`, `trouble` says why in one clause, and the next tries wait longer and longer."""
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(bench.release(exit=4))), 1)
        seen = await bench.comes(provider, lambda seen: seen.failed_starts >= 2)
        assert seen.trouble
        assert "\n" not in seen.trouble
        assert seen.crashes == seen.timed_out == 0
        assert seen.asked == 1
        for _ in range(100):
            await bench.wait()
        assert (await bench.seen(provider)).failed_starts <= 8
        await provider.end()


@pytest.mark.parametrize("wrong", ["command", "program", "release", "secret"])
@story
@needs("answers")
async def test_what_cannot_be_started_is_a_failed_start(bench: ProviderBench, wrong: str) -> None:
    """A program, a release or a secret that is not there is the release's trouble and no error of `apply`."""
    secrets = {"THERE": str(bench.directory / "there"), "ABSENT": str(bench.directory / "absent")}
    (bench.directory / "there").write_text("s3cr3t")
    run: dict[str, Run] = {
        "command": bench.run(command=("bin/missing",)),
        "program": bench.run(command=("no-such-program-anywhere",)),
        "secret": bench.run(secrets=secrets),
    }
    release = "sha256:" + "0" * 64 if wrong == "release" else bench.release()
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(release, run=run.get(wrong))), 1)
        seen = await bench.comes(provider, lambda seen: seen.failed_starts)
        assert seen.trouble
        assert "s3cr3t" not in seen.trouble
        assert seen.crashes == 0
        await provider.end()


@story
async def test_a_crashed_instance_is_counted_and_replaced(bench: ProviderBench) -> None:
    """Who ends after it was ready is a crash: counted once, not reported any more, and another takes its place."""
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(bench.release(), 2)), 1)
        before = await bench.comes(provider, ready(2))
        await bench.crash(before.instances[0])
        seen = await bench.comes(provider, lambda seen: seen.crashes == 1)
        assert before.instances[0].id not in {one.id for one in seen.instances}
        assert seen.trouble
        seen = await bench.comes(provider, ready(2))
        assert before.instances[1] in seen.instances
        assert (seen.crashes, seen.failed_starts) == (1, 0)
        await provider.end()


@story
@needs("answers")
async def test_who_is_not_well_is_unready_and_comes_back(bench: ProviderBench) -> None:
    """`ready.failures` probes in a row that fail: `unready`, neither replaced nor counted; one that succeeds: ready."""
    run = bench.run(ready=Probe(http="/healthz", every=0.1, failures=2))
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(bench.release(), run=run)), 1)
        (one,) = (await bench.comes(provider, ready(1))).instances
        await bench.ask(one.address, "/healthz/off")
        await bench.comes(provider, lambda seen: [one.state for one in seen.instances] == ["unready"])
        await bench.ask(one.address, "/healthz/on")
        seen = await bench.comes(provider, ready(1))
        assert seen.instances[0].id == one.id
        assert (seen.crashes, seen.failed_starts) == (0, 0)
        await provider.end()


@story
@needs("answers")
async def test_who_fails_its_liveness_probe_is_replaced(bench: ProviderBench) -> None:
    """`live.failures` probes in a row that fail are a crash: it is ended and another takes its place."""
    run = bench.run(live=Probe(http="/alive", every=0.1, failures=2))
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(bench.release(), run=run)), 1)
        (one,) = (await bench.comes(provider, ready(1))).instances
        await bench.ask(one.address, "/alive/off")
        await bench.comes(provider, lambda seen: seen.crashes == 1)
        seen = await bench.comes(provider, ready(1))
        assert seen.instances[0].id != one.id
        assert seen.crashes == 1
        await provider.end()


@story
@needs("answers")
async def test_what_instances_write_can_be_read(bench: ProviderBench) -> None:
    """`output`: both streams, the last lines of each instance, of one group if asked, also of those that have ended."""
    async with bench.running() as provider:
        await provider.apply(
            fleet(bench.order(bench.release()), bench.order(bench.release(late=0), group="shop-2")), 1
        )
        (one,) = (await bench.comes(provider, ready(1))).instances
        (other,) = (await bench.comes(provider, ready(1), "shop-2")).instances
        lines = [line for line in await provider.output("shop") if line.instance == one.id]
        assert [line.text for line in lines] == [f"begins as {one.id}", "and complains"]
        assert {line.group for line in lines} == {"shop-1"}
        assert {line.instance for line in await provider.output("shop")} == {one.id, other.id}
        assert [line.text for line in await provider.output("shop", "shop-2", lines=1)] == ["and complains"]
        assert not await provider.output("shop", lines=0)
        assert not await provider.output("blog")
        await provider.apply(fleet(bench.order(bench.release(late=0), group="shop-2")), 1)
        await bench.comes(provider, gone)
        assert (await _said(provider, "shop-1"))[-1] == "was asked to end"
        await provider.end()


@story
@needs("answers")
async def test_names_cannot_reach_out_of_its_place(bench: ProviderBench) -> None:
    """Services and groups are names, not paths: one such as `../..` is refused, or is unknown."""
    outside = bench.directory / "outside"
    await asyncio.to_thread(outside.mkdir)
    (outside / "x.log").write_text("a secret\n")
    async with bench.running() as provider:
        for name in ("../../../../outside", str(outside), "..", "*"):
            for service, group in ((name, None), ("shop", name)):
                lines: tuple[OutputLine, ...] = ()
                with contextlib.suppress(Failure):
                    lines = await provider.output(service, group)
                assert "a secret" not in [line.text for line in lines]


async def _said(provider: Provider, group: str) -> list[str]:
    return [line.text for line in await provider.output("shop", group)]
