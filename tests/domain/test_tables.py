"""Tables of traffic in strange moments: a router that forgot everything, and the order in which groups come."""

from __future__ import annotations

import msgspec
import pytest
from tests.domain.stage import Stage

from plainsail.domain.actions import Send
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.decide import Decision
from plainsail.domain.match import Match
from plainsail.domain.observation import GroupSeen, Instance, Seen
from plainsail.domain.plan import Wanted, reachable
from plainsail.domain.rollout import Target
from plainsail.domain.service import Shield, Sticky
from plainsail.domain.strategy import Canary, Rolling
from plainsail.domain.traffic import GroupShare, Route, Traffic

replace = msgspec.structs.replace


def sent(decision: Decision) -> Traffic:
    (found,) = (action.traffic for action in decision.actions if isinstance(action, Send))
    return found


def shares(table: Traffic) -> dict[str, int]:
    return {part.group: part.share_bp for part in table.routes[-1].split}


def at_ten_percent(stage: Stage) -> None:
    """The candidate (g2) has its users."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Canary((1000, 5000))))
    stage.ready("g2")
    stage.turn()
    stage.ask()
    stage.turn()
    assert stage.traffic is not None
    assert shares(stage.traffic) == {"g1": 9000, "g2": 1000}


@pytest.mark.parametrize("dead", [1, 3])
def test_a_router_that_forgot_gets_live_back_though_some_of_it_is_missing(dead: int) -> None:
    """Who had live has live: some of its instances are better than none, and than the candidate's few."""
    stage = Stage()
    at_ten_percent(stage)
    stage.dies("g1", dead)
    stage.traffic = None
    assert shares(sent(stage.turn())) == {"g1": 9000, "g2": 1000}


def test_without_live_a_router_that_forgot_gets_whom_there_is() -> None:
    stage = Stage()
    at_ten_percent(stage)
    stage.dies("g1", 4)
    stage.traffic = None
    assert shares(sent(stage.turn())) == {"g2": 10_000}


def test_a_first_release_gets_users_when_all_of_it_is_ready() -> None:
    stage = Stage()
    stage.turn(stage.deploy("v1", Rolling()))
    stage.ready("g1")
    stage.become("g1", "unready")
    assert not shares(sent(stage.turn()))
    seen = stage.groups["g1"]
    stage.groups["g1"] = replace(seen, instances=tuple(replace(one, state="ready") for one in seen.instances))
    assert shares(sent(stage.turn())) == {"g1": 10_000}


def test_groups_come_in_the_order_they_were_made() -> None:
    """Routers divide users who stay in this order. With g10 before g9 those of the candidate would move on with each step, as
    the baseline's share grows before it."""
    stage = Stage()
    stage.target = Target("shop", "production", serial=7)
    sticky = Sticky(cookie="version")
    stage.settled("v1", sticky=sticky)
    fresh = EvidenceCriteria(compare="baseline")
    stage.turn(stage.deploy("v2", Canary((1000, 3000)), evidence=fresh, sticky=sticky))
    stage.ready("g9", "g10")
    assert shares(sent(stage.turn())) == {"g8": 8000, "g9": 1000, "g10": 1000}
    assert list(shares(sent_now(stage))) == ["g8", "g9", "g10"]


def sent_now(stage: Stage) -> Traffic:
    assert stage.traffic is not None
    return stage.traffic


def test_a_release_takes_over_from_one_that_no_longer_starts() -> None:
    """Nobody is answered, and the router knows of nobody: the new release is the cure, and gets users as soon as it is ready."""
    stage = Stage()
    stage.settled("v1")
    stage.dies("g1", 4)
    stage.traffic = None
    stage.turn(stage.deploy("v2", Canary((1000, 5000))))
    for _ in range(5):
        stage.ready("g2")
        stage.turn()
    assert shares(sent_now(stage)) == {"g2": 10_000}


def test_who_keeps_a_share_keeps_it_with_what_is_left_of_it() -> None:
    """All that a step asks for must be ready where a share rises, not where it stays: live takes over what a baseline had."""
    want = Wanted({"g1": 4, "g2": 2, "g3": 0}, {"g1": 9000, "g2": 1000}, "g1", careful=True, backed_up=True)
    now = (GroupShare("g1", 8000), GroupShare("g2", 1000), GroupShare("g3", 1000))
    table = Traffic("shop", (), (Route(Match(), now),), {}, "g1", Shield(), None, 1.0)
    one_of_two = Seen(1.0, {"g1": there("g1", 4), "g2": there("g2", 1)}, traffic=table)
    assert reachable(want, one_of_two) == {"g1": 9000, "g2": 1000}
    more = replace(want, split={"g1": 8000, "g2": 2000})
    assert reachable(more, one_of_two) == {"g1": 9000, "g2": 1000}, (
        "it rises when both are there; g3's are live's"
    )


def there(group: str, ready: int) -> GroupSeen:
    instances = tuple(Instance(f"{group}-{n}", group, "ready", "127.0.0.1:1", 0.0) for n in range(ready))
    return GroupSeen(group, ready, instances)


def test_at_rest_a_router_that_forgot_gets_what_there_is_of_live() -> None:
    stage = Stage()
    stage.settled("v1")
    stage.dies("g1", 3)
    stage.traffic = None
    assert shares(sent(stage.turn())) == {"g1": 10_000}
