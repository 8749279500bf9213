"""What a strategy needs and the file does not have, assumed for a play: `simulate --strategy dark` of a file without insiders.

Only here: a deploy is refused, with what to write.
"""

from __future__ import annotations

import msgspec

from plainsail.domain.criteria import Averaged, Metric
from plainsail.domain.match import Match
from plainsail.domain.service import Placement, Sticky
from plainsail.domain.strategy import AB, Dark, Strategy, name_of

COOKIE = "version"
KPI = "kpi"
WORTH = 0.02
"""A difference in parts of the KPI that is not worth a change: so a test of equal releases ends before its two weeks do."""

replace = msgspec.structs.replace


def completed(placement: Placement, name: str | None) -> tuple[Placement, tuple[str, ...]]:
    """The same with what the named strategy can't do without, and what was added, as it would stand in the file."""
    if name is None or name in {name_of(one) for one in placement.strategy}:
        return placement, ()
    said: tuple[str, ...] = ()
    if name == "dark":
        match = Match(hosts=(f"dark.{placement.hosts[0] if placement.hosts else 'example'}",))
        placement = _also(placement, Dark(match))
        said = (f"dark: {{match: {{hosts: [{match.hosts[0]}]}}}}",)
    elif name == "a-b":
        queries = Averaged("users", "sum", "squares")
        metric = Metric("simulated", mean=queries, better="higher", role="informative")
        criteria = replace(placement.evidence, metrics={**placement.evidence.metrics, KPI: metric})
        placement = _also(replace(placement, evidence=criteria), AB(KPI, margin=WORTH))
        said = (
            f"a-b: {{kpi: {KPI}, margin: {WORTH}}}",
            f"a metric '{KPI}', the mean of one number for each user, 1 with live",
        )
    if name in ("a-b", "incremental") and placement.sticky is None:
        placement = replace(placement, sticky=Sticky(cookie=COOKIE))
        said += (f"sticky: {{cookie: {COOKIE}}}",)
    return placement, said


def _also(placement: Placement, strategy: Strategy) -> Placement:
    return replace(placement, strategy=(*placement.strategy, strategy))
