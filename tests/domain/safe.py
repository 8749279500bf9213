"""What must hold of every decision, whatever the world and the people do: the safety of traffic, said without the planner."""

from __future__ import annotations

from plainsail.domain.actions import Fleet, Send, Withdraw
from plainsail.domain.decide import Decision
from plainsail.domain.observation import Seen
from plainsail.domain.plan import wanted
from plainsail.domain.rollout import Rollout
from plainsail.domain.units import ALL


def check(decision: Decision, seen: Seen) -> None:
    """Raises AssertionError, which says what does not hold."""
    if not decision.actions:
        return
    rollout, target = decision.target.rollout, decision.target
    want = wanted(target)
    served = seen.traffic.groups() if seen.traffic else ()
    # A candidate that was superseded may run for a while yet, but it is no refuge: nobody asked for it any more. And
    # what only insiders may see is none for outsiders.
    anybody = any(seen.ready(group) for group in (*want.split, *served, *([want.live] if want.live else [])))
    for action in decision.actions:
        if isinstance(action, Send):
            if rollout is not None and rollout.baseline is not None:
                assert action.traffic.live != rollout.baseline, "nobody is shielded by a baseline"
            if (
                rollout is not None
                and rollout.renews()
                and want.live is not None
                and seen.ready(want.live)  # where live has nobody, who has a share already has all
            ):
                step = rollout.current()
                most = max(step.share("candidate"), seen.share(rollout.candidate))
                assert action.traffic.share(rollout.candidate) <= most, "no more users than the step says"
                asked = [one.match for one in step.inside]
                assert all(route.match in asked for route in action.traffic.routes[:-1]), (
                    "no rule nobody asked for"
                )
            if rollout is not None and rollout.phase == "rolling_back" and seen.ready(rollout.live or ""):
                fewer = action.traffic.share(rollout.candidate) <= seen.share(rollout.candidate)
                assert fewer or not rollout.renews(), "on a way back the candidate's share only shrinks"
            if (mirror := action.traffic.mirror) is not None:
                assert rollout is not None, "copies are a step's"
                assert rollout.current().copies is not None, "copies are a step's"
                assert mirror.group == rollout.candidate
                assert seen.ready(mirror.group), "no copies without a ready instance"
                assert action.traffic.share(mirror.group) == 0, "what gets copies answers nobody"
            for route in action.traffic.routes:
                assert sum(part.share_bp for part in route.split) in (0, ALL), "splits sum to 10,000"
                for part in route.split:
                    assert seen.ready(part.group) or not anybody, "no share without a ready instance"
        elif isinstance(action, Withdraw):
            removed = target.live is None or (rollout is not None and rollout.kind == "remove")
            assert removed, "rules of a service that is wanted stay"
            assert not any(seen.share(group.id) for group in target.groups), "no rule goes that has users"
            assert not any(found.instances for found in seen.groups.values()), "rules go after instances"
        elif rollout is not None and rollout.kind in ("scale", "remove"):
            _check_size_of_live(action, rollout, seen)
        elif rollout is not None and rollout.live is not None and rollout.phase in ("progressing", "paused"):
            live = target.group(rollout.live)
            size = next((order.replicas for order in action.groups if order.group == rollout.live), 0)
            assert live is not None
            rolled = any("rolling" in one for one in rollout.strategy.split(", "))
            assert size >= live.replicas or rolled or rollout.strategy == "recreate", (
                "live keeps its capacity"
            )
            least = rollout.current().sizes["live"] if rolled else 0
            assert size >= least, "live is never made smaller than the step says"


def _check_size_of_live(action: Fleet, rollout: Rollout, seen: Seen) -> None:
    """As few as the step asks for, and no fewer than are ready while users are on them."""
    size = next((order.replicas for order in action.groups if order.group == rollout.live), 0)
    found = seen.groups.get(rollout.live or "")
    assert size >= rollout.current().sizes["live"], "live is never made smaller than the step says"
    if found is not None and size < found.asked:
        assert not seen.share(rollout.live or "") or found.ready() >= size > 0, "users keep what carries them"
