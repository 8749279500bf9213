"""What a test of variants must be beyond its types: a KPI that can be compared, users who stay where they are, and arms that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plainsail.domain.criteria import Metric, Threshold
from plainsail.domain.service import Placement
from plainsail.domain.strategy import AB, Dark, Variant, name_of
from plainsail.domain.trial import MOST, test_in
from plainsail.domain.units import ALL
from plainsail.spec.checks import NAME, Fault
from plainsail.spec.diagnostics import Path, did_you_mean, listed, shown, there_are

LIVE = "live"
"""What the control is called wherever arms are named."""
EXAMPLE = (
    "conversion: {source: ..., mean: {count: ..., sum: ..., squares: ...}, better: higher, role: informative}"
)


def name(given: str) -> Iterator[Fault]:
    if given == LIVE:
        yield Fault("'live' is the control of every test", "give the variant another name")
    elif not NAME.fullmatch(given):
        yield Fault(
            f"{shown(given)} can't be the name of a variant: a small letter, then at most 39 of a-z, 0-9 and '-'",
            "write one such as 'red'",
        )


def share(given: int) -> Iterator[Fault]:
    if given == 0:
        yield Fault("A test with 0% of the users shows nothing", "write a share such as 50%")
    elif given == ALL:
        yield Fault("Live is what variants are compared with, and 100% would leave it nobody", "write 50%")


def margin(given: float) -> Iterator[Fault]:
    if given < 0:
        yield Fault(f"'margin' must be 0 or more, and is {given:g}", "write the smallest gain that matters")


def variants(given: Mapping[str, Variant]) -> Iterator[Fault]:
    for beyond in list(given)[MOST:][:1]:
        yield Fault(
            f"There are {len(given)} variants, and {MOST} beside live are the most",
            "test the others later: each more takes all of them longer",
            (beyond,),
            at_key=True,
        )
    first: dict[str, str] = {}
    for called, one in given.items():
        what = repr(sorted(one.env.items())) if one.match is None else repr(one.match)
        twin = first.setdefault(what, called)
        if twin != called:
            same = "configuration" if one.match is None else "match"
            yield Fault(
                f"{called} has the {same} of {twin}, so they can't differ", "leave one out", (called,)
            )


def test(given: AB) -> Iterator[Fault]:
    matches = [called for called, one in given.variants.items() if one.match is not None]
    without = [called for called in given.variants if called not in matches]
    if given.match is not None and given.variants:
        yield Fault(
            "With 'variants' each has a 'match' of its own, and this one would be nobody's",
            "move it into a variant",
            ("match",),
            at_key=True,
        )
    elif matches and without:
        yield Fault(
            f"{listed(matches, 'and')} {'has' if len(matches) == 1 else 'have'} a 'match', and {without[0]} has none",
            "give each one, or none and 'sticky'",
            ("variants", without[0]),
        )
    if given.variants and not matches and 0 < given.share < len(given.variants):
        yield Fault("The share can't be divided among the variants", "write a larger one", ("share",))


def fitting(placement: Placement) -> Iterator[Fault]:
    """What a test asks of the rest of a placement."""
    given = test_in(placement.strategy)
    if given is None:
        return
    at: Path = ("strategy", len(placement.strategy) - 1)
    yield from _kpi(given, placement, (*at, "a-b", "kpi"))
    if placement.sticky is None and not given.by_match():
        yield Fault(
            "A user who changes between the arms of a test spoils it, and nothing says what a user is known by",
            "add 'sticky: {cookie: version}' beside 'strategy', or a 'match'",
            at,
        )
    before = [one for one in placement.strategy[:-1] if not isinstance(one, Dark)]
    if before:
        yield Fault(
            f"Live is compared with the variants from the first user on, and some have the release since {name_of(before[0])}",
            "keep the a-b alone, or put dark before it",
            at,
        )
    if isinstance(placement.evidence.judge, Threshold):
        yield Fault(
            "By threshold nothing is ever proven, so no variant could win",
            "leave 'judge' out",
            ("evidence", "judge"),
        )
    for called, one in given.variants.items():
        for variable in one.env:
            if variable in placement.secrets:
                yield Fault(
                    f"{shown(variable)} is a secret here", "keep one of the two", (*at, "a-b", "variants", called, "env", variable)
                )  # fmt: skip


def _kpi(given: AB, placement: Placement, at: Path) -> Iterator[Fault]:
    metrics = placement.evidence.metrics
    usable = {called: one for called, one in metrics.items() if one.kind() in ("mean", "counts")}
    metric = metrics.get(given.kpi)
    if metric is None:
        nearest = did_you_mean(given.kpi, usable) or (
            there_are(usable)
            if usable
            else f"add one under 'evidence: {{metrics: ...}}', such as '{EXAMPLE}'"
        )
        yield Fault(f"There is no metric {shown(given.kpi)} to decide by", nearest, at)
        return
    if given.kpi not in usable:
        instead = f"; {there_are(usable)}" if usable else ""
        yield Fault(
            f"{shown(given.kpi)} is a {metric.kind()}, and users are compared by 'counts' or by a 'mean' over them",
            f"give it 'mean: {{count: ..., sum: ..., squares: ...}}'{instead}",
            at,
        )
        return
    yield from _measured(given.kpi, metric)


def _measured(called: str, metric: Metric) -> Iterator[Fault]:
    at = ("evidence", "metrics", called)
    if metric.dry_run:
        yield Fault(
            "A dry run decides nothing, and this is the KPI of a test", "leave it out", (*at, "dry_run")
        )
    if "steps" not in metric.during:
        yield Fault("The KPI of a test is measured while users are divided", "add 'steps'", (*at, "during"))
    if metric.at:
        yield Fault("The KPI of a test is measured for as long as it lasts", "leave it out", (*at, "at"))


def beyond_groups(given: AB, kept: int, of: str) -> Iterator[Fault]:
    """More arms than a router keeps groups."""
    arms = 1 + max(1, len(given.variants))
    if arms > kept:
        room = kept - 1
        hint = f"test {room} at a time" if room else "write canary"
        yield Fault(
            f"With live this test has {arms} groups, and {of} keeps {kept}", hint, ("a-b", "variants") if given.variants else ()
        )  # fmt: skip
