"""A metric source answers for one group and one window, and what it does not know it does not make up."""

from __future__ import annotations

import asyncio

import pytest

from plainsail.ports.errors import Rejected
from plainsail.testing.conformance.bench import needs, story
from plainsail.testing.conformance.metrics.bench import MetricsBench, Series

STRANGE = (
    'a" or group="two', "it's", "back\\slash", "{group}", "x|y", ".*", "büro 😀", "a b&c=d#e%20", "$(id)", '*"]', "-1",
)  # fmt: skip
"""Names that mean something in some language of queries. A name is what people chose, not what a source likes."""


@story
async def test_counts_are_of_the_window_and_of_the_group(bench: MetricsBench) -> None:
    """(since, until]: 10 a second until -40, then 30; of another group 1 and 3."""
    await bench.put(
        bench.counted("one", 10), bench.counted("one", 2, "failures"),
        bench.counted("two", 1), bench.counted("two", 0, "failures"),
    )  # fmt: skip
    for since, until, expected in ((-50, -40, 100), (-40, -30, 300), (-45, -35, 200), (-31, -21, 300)):
        read = await bench.read(bench.ask("one", since=since, until=until))
        assert (read.since, read.until) == (bench.now + since, bench.now + until)
        assert not read.missing
        assert not read.partial
        close(read.parts, {"requests": expected, "failures": expected / 5}, bench)
        read = await bench.read(bench.ask("two", since=since, until=until))
        close(read.parts, {"requests": expected / 10, "failures": 0}, bench)


@story
async def test_a_window_that_has_just_ended(bench: MetricsBench) -> None:
    """Asked for what a source has, it does not answer for an earlier window instead."""
    grows = {bench.now - 40 + second: float(second) for second in range(41)}
    await bench.put(Series("requests", "one", grows), Series("failures", "one", grows))
    read = await bench.read(bench.ask("one", since=-10, until=0))
    close(read.parts, {"requests": sum(range(31, 41)), "failures": sum(range(31, 41))}, bench)


@story
async def test_a_window_without_data_is_missing_and_never_nought(bench: MetricsBench) -> None:
    await bench.put(bench.counted("one", 10), bench.counted("one", 0, "failures"))
    for group, since, until in (("one", -90, -80), ("one", -10, 0), ("nobody", -50, -40)):
        read = await bench.read(bench.ask(group, since=since, until=until))
        assert read.missing
        assert not read.parts
        assert not read.buckets


@story
async def test_a_part_without_data_is_absent(bench: MetricsBench) -> None:
    """Requests are counted, failures are not: that is no answer of 0 failures."""
    await bench.put(bench.counted("one", 10))
    read = await bench.read(bench.ask("one"))
    close(read.parts, {"requests": 100}, bench)


@story
async def test_means(bench: MetricsBench) -> None:
    await bench.put(
        bench.counted("one", 4, "units"), bench.counted("one", 50.5, "total"), bench.counted("one", 700.25, "squares")
    )  # fmt: skip
    read = await bench.read(bench.ask("one", "mean"))
    close(read.parts, {"count": 40, "sum": 505, "squares": 7002.5}, bench)


@story
async def test_a_value_is_that_of_the_windows_end(bench: MetricsBench) -> None:
    await bench.put(
        Series("memory", "one", {bench.now + at: 1e9 + at * 1e6 for at in range(-60, -20)}),
        Series("memory", "two", {bench.now + at: -0.25 for at in range(-60, -20)}),
    )
    assert (await bench.read(bench.ask("one", "value"))).parts == {"value": 960_000_000}
    assert (await bench.read(bench.ask("two", "value"))).parts == {"value": -0.25}
    assert (await bench.read(bench.ask("one", "value", since=-10, until=0))).missing


@needs("histograms")
@story
async def test_histograms(bench: MetricsBench) -> None:
    """Bounds grow, the last is infinite; each count is of its bucket alone."""
    counts = {"0.1": 5.0, "0.5": 0.0, "2.5": 3.0, "+Inf": 1.0}
    await bench.put(*(bench.counted("one", each, "seconds", le=bound) for bound, each in counts.items()))
    read = await bench.read(bench.ask("one", "histogram"))
    assert [bound for bound, _ in read.buckets] == [0.1, 0.5, 2.5, float("inf")]
    assert [n for _, n in read.buckets] == pytest.approx([50, 0, 30, 10], rel=bench.tolerance, abs=0.01)
    assert not read.missing
    assert (await bench.read(bench.ask("one", "histogram", since=-10, until=0))).missing


@story
async def test_what_is_not_finite_is_missing(bench: MetricsBench) -> None:
    """NaN and infinity are no numbers to judge by."""
    await bench.put(bench.counted("one", 0, "failures"))
    read = await bench.read(bench.ask("one", "infinite"))
    assert read.missing
    assert not read.parts


@story
async def test_only_the_instances_that_are_named(bench: MetricsBench) -> None:
    """An address is taken as it is: its dots match dots, and it is no beginning of another."""
    addresses = ("10.0.0.1:80", "10.0.0.1:8080", "10x0.0.1:80", "[fd00::1]:80", "app-1.example:80")
    each = {address: 10.0**number for number, address in enumerate(addresses)}
    await bench.put(*(bench.counted("one", n, instance=address) for address, n in each.items()))
    for named in ((addresses[0],), (addresses[0], addresses[3]), (addresses[2], addresses[4]), addresses):
        read = await bench.read(bench.ask("one", "by_instance", instances=named))
        close(read.parts, {"requests": 10 * sum(each[address] for address in named)}, bench)


@story
async def test_no_instances_are_not_all_instances(bench: MetricsBench) -> None:
    await bench.put(bench.counted("one", 10))
    read = await bench.read(bench.ask("one", "by_instance", instances=()))
    assert read.missing
    assert not read.parts


@story
async def test_a_name_is_never_a_part_of_the_query(bench: MetricsBench) -> None:
    """A group with quotes, wildcards and words of the language in its name has its own numbers, and no others'."""
    each = {group: 2.0**number for number, group in enumerate(("two", "xay", *STRANGE))}
    await bench.put(*(bench.counted(group, n) for group, n in each.items()))
    reads = await asyncio.gather(*(bench.read(bench.ask(group)) for group in each))
    for read, n in zip(reads, each.values(), strict=True):
        close(read.parts, {"requests": 10 * n}, bench)


@story
async def test_two_reads_at_once(bench: MetricsBench) -> None:
    """And more of them: one object, many questions, each with its own answer."""
    await bench.put(*(bench.counted(f"g{n}", n + 1) for n in range(8)))
    source = bench.make()
    await source.start()
    try:
        reads = await asyncio.gather(*(source.read(bench.ask(f"g{n}")) for n in range(8)))
    finally:
        await source.stop()
    for n, read in enumerate(reads):
        close(read.parts, {"requests": 10 * (n + 1)}, bench)


@story
async def test_a_wrong_query_is_rejected(bench: MetricsBench) -> None:
    """By `check` if it can tell, else by the source; asking again would not help, so it is not Transient."""
    await bench.put(bench.counted("one", 10))
    with pytest.raises(Rejected) as refused:
        await bench.read(bench.ask("one", "wrong"))
    assert refused.value.code


@needs("several")
@story
async def test_more_than_one_number_is_rejected(bench: MetricsBench) -> None:
    """Neither the first nor a sum is taken by itself."""
    await bench.put(
        bench.counted("one", 1, instance="10.0.0.1:80"), bench.counted("one", 1, instance="10.0.0.2:80"),
        bench.counted("one", 2, "failures"),
    )  # fmt: skip
    with pytest.raises(Rejected):
        await bench.read(bench.ask("one", "several"))


@story
async def test_queries_are_checked_without_asking(bench: MetricsBench) -> None:
    """A problem begins with the part and a colon; right queries have none. Nothing need be started for it."""
    source = bench.make()
    assert source.check(bench.queries("counts")) is None
    assert source.check(bench.queries("value")) is None
    problem = source.check({**bench.queries("counts"), "failures": " "})
    assert problem is not None
    assert problem.startswith("failures: ")


def close(parts: dict[str, float], expected: dict[str, float], bench: MetricsBench) -> None:
    assert set(parts) == set(expected)
    for part, number in expected.items():
        assert parts[part] == pytest.approx(number, rel=bench.tolerance, abs=1e-6), part
