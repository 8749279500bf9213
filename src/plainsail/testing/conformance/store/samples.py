"""Values to fill a store with."""

from __future__ import annotations

from plainsail.domain.courses import course
from plainsail.domain.driver import Driver
from plainsail.domain.events import Event
from plainsail.domain.evidence import Arm, Evidence, Stake, Verdict
from plainsail.domain.intents import (
    Abort,
    Advance,
    Deploy,
    Intent,
    Pause,
    Remove,
    Restart,
    Resume,
    Rollback,
    Scale,
)
from plainsail.domain.match import Match
from plainsail.domain.observation import Counts
from plainsail.domain.release import Release
from plainsail.domain.rollout import Group, Phase, Revision, Rollout, Target
from plainsail.domain.service import (
    Environment,
    Notify,
    Placement,
    Probe,
    Run,
    Service,
    Shield,
    Sticky,
    config_digest,
)
from plainsail.domain.strategy import BlueGreen, Canary, Pace, Recreate, Strategy
from plainsail.domain.traffic import GroupShare, Member, Route, Traffic
from plainsail.ports.store import Key, Store

SHOP = Key("shop", "production")
STAGING = Key("shop", "staging")

RUN = Run(command=("bin/serve", "--port", "{port}"), env={"LOG_LEVEL": "info"}, ready=Probe(http="/healthz"))
PLACEMENT = Placement(replicas=4, hosts=("shop.example",), strategy=(BlueGreen(), Canary()))
SERVICES = {"shop": Service(RUN, placements={"production": PLACEMENT, "staging": Placement()})}
ENVIRONMENTS = {
    "staging": Environment(router=Driver("haproxy", {"listen": "127.0.0.1:8080"})),
    "production": Environment(router=Driver("haproxy", {"listen": "127.0.0.1:8081"}), after="staging"),
}
NOTIFY = Notify(webhook="/run/secrets/webhook")


def digest(n: int) -> str:
    return f"sha256:{n:064x}"


def release(n: int, at: float = 0.0) -> Release:
    return Release(
        digest(n), "shop", f"1.{n}", made_at=at or float(n), commit="c0ffee", labels={"by": "büro"}
    )


def revision(n: int) -> Revision:
    return Revision(digest(n), f"1.{n}", RUN, config_digest(RUN))


def rollout(
    id: str,
    phase: Phase = "progressing",
    at: float = 10.0,
    key: Key = SHOP,
    ended_at: float | None = None,
    strategy: Strategy | None = None,
) -> Rollout:
    return Rollout(
        id=id, service=key.service, environment=key.environment, kind="deploy", by="ada", strategy="canary",
        revision=revision(2), candidate="shop-2", live="shop-1", replicas=4,
        course=course(strategy or Canary(), Pace(), 4, 4), placement=Placement(),
        started_at=at, entered_at=at + 1, phase=phase, ended_at=ended_at, reached_bp=1000,
        verdict=Verdict("unsure", "needs 312 requests to be sure, has had 40", "few_requests",
                        Arm(40, 1), Arm(400, 9, 1, 2), 0, {"harm_errors": -0.25}, 312),
    )  # fmt: skip


def target(key: Key = SHOP, serial: int = 2) -> Target:
    return Target(
        key.service, key.environment, PLACEMENT, serial=serial,
        groups=(Group("shop-1", "live", revision(1), 4), Group("shop-2", "candidate", revision(2), 1)),
        live="shop-1", good=(revision(0),), quarantine=(digest(7),),
    )  # fmt: skip


def evidence(rollout: str = "r1", requests: int = 40) -> Evidence:
    return Evidence(
        since=11.0, rollout=rollout, candidate=Arm(requests, 1), live=Arm(400, 9),
        last={"shop-2": Counts(requests, 1), "shop-1": Counts(400, 9)}, crashes={"shop-2": 0},
        harm={"errors": (Stake(0.1, 0.2, 1), Stake(-0.5))}, proof={"errors 5000": (0.1, -0.2)},

    )  # fmt: skip


def event(n: int = 0, rollout: str = "", key: Key = SHOP) -> Event:
    return Event(
        "step_entered", float(n), key.service, key.environment, rollout, by="ada", reason=f"step {n}",
        data={"n": n, "share": 0.5, "ok": True, "none": None},
    )  # fmt: skip


def deploy(rollout: str, strategy: Strategy | None = None) -> Deploy:
    return Deploy(rollout, "ada", revision(2), PLACEMENT, (strategy or Canary(),))


INTENTS: tuple[Intent, ...] = (
    deploy("r8"),
    Deploy("r9", "ada", revision(3), PLACEMENT, (Recreate(),), again=True),
    Rollback("r10", "bob", digest(1), "worse"),
    Scale("r11", "bob", 8, 4, "a sale"),
    Restart("r12", "bob", "a leak"),
    Remove("r13", "bob"),
    Abort("r1", "bob", "at 3 in the morning"),
    Pause("r1", "bob"),
    Resume("r1", "bob"),
    Advance("r1", "bob"),
)


def fill(store: Store) -> int:
    """Returns the epoch under which production is held until 10."""
    store.put_spec(ENVIRONMENTS, SERVICES, NOTIFY, ())
    claimed = store.claim(SHOP, "me", now=0.0, lease=10.0)
    assert claimed
    events = [event(n) for n in range(100)]
    store.save(
        target(),
        claimed.epoch,
        rollouts=[rollout("r1")],
        events=events,
        due_at=0.0,
        held_until=10.0,
    )
    return claimed.epoch


def traffic() -> Traffic:
    return Traffic(
        service="shop", hosts=("shop.example",),
        routes=(Route(Match(), (GroupShare("shop-2", 1000), GroupShare("shop-1", 9000))),),
        members={"shop-1": (Member("shop-1-1", "127.0.0.1:20120"),), "shop-2": (Member("shop-2-1", "127.0.0.1:20123"),)},
        live="shop-1", shield=Shield(), sticky=Sticky(cookie="who"), slow_after=0.5,
    )  # fmt: skip
