"""Scenes by chance: strategies, worlds, faults and people, all from one seed.

A scene is drawn in tenths of a millisecond, as a hundred thousand are played in a night. Times are short, a dwell of seconds instead of
minutes: nothing in the planner knows what is long.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.soak.scene import (
    Asks,
    At,
    Deploys,
    Happening,
    InstanceDies,
    Killed,
    OldOrder,
    ProviderFails,
    RouterAway,
    RouterForgets,
    Scales,
    Scene,
    StoreFails,
    StoreSlow,
    Verb,
)

from plainsail.domain.checks import Hooks
from plainsail.domain.criteria import Averaged, Betting, EvidenceCriteria, Metric, Threshold
from plainsail.domain.driver import Driver
from plainsail.domain.match import Match
from plainsail.domain.mirroring import Differs, Shadow
from plainsail.domain.service import Placement, Shield, Sticky
from plainsail.domain.strategy import (
    AB,
    BlueGreen,
    Canary,
    Chain,
    Custom,
    CustomStep,
    Dark,
    Incremental,
    Pace,
    Recreate,
    RedBlack,
    Rolling,
    RollingCanary,
    RollingRedBlack,
    Strategy,
    Variant,
)
from plainsail.domain.units import ALL
from plainsail.spec.rules import OF_A_FIELD, OF_A_WHOLE
from plainsail.testing.behaviour import Behaviour

INSIDERS = (Match(hosts=("dark.example",)), Match(header="X-Insider: yes"), Match(networks=("10.0.0.0/8",)))
ASKED_AT = ("start", "each", "bake", "10%")
KPI = {
    "basket": Metric("none", mean=Averaged("count", "sum", "squares"), better="higher", role="informative")
}
VERBS: tuple[Verb, ...] = (
    "pause", "resume", "advance", "advance", "abort", "abort gradually", "approve", "reject", "rollback", "restart", "remove",
)  # fmt: skip
STICKY = Sticky(cookie="version")
FRUITLESS = 100
"""Placements drawn in vain, at most: nine in ten are taken, so this many mean that something is wrong here."""


def scene(seed: int) -> Scene:
    """The same for the same seed, in every process."""
    dice = Random(seed)
    punctual = dice.random() < 0.02  # one costs as much as twenty others
    happenings: list[At] = []
    began = 0.0
    for number in range(1, 2 if punctual else dice.choice((2, 3, 4, 5, 6))):
        happenings.append(At(began, deploys(dice, number)))
        for _ in range(dice.choice((0, 0, 0, 0, 1, 1, 2, 4))):
            happenings.append(At(round(began + 10.0 * dice.random() ** 2, 2), dice.choice(OTHERS)(dice)))
        began = round(began + dice.choice((0.5, 4.0, 10.0, 40.0, 60.0, 60.0)) * dice.uniform(0.5, 1.0), 2)
    return Scene(
        seed=seed,
        happenings=tuple(sorted(happenings, key=lambda one: one.at)),
        rate=dice.choice((0.0, 1.0, 50.0, 50.0, 400.0)),
        grain=0.1 if punctual else dice.choice((1.0, 5.0, 5.0, 5.0)),
        late=0.0 if punctual else dice.choice((2.5, 6.0, 20.0, 20.0)),
        tended=dice.random() < 0.7,
        quantiles=dice.random() < 0.1,
        serial=dice.choice((0, 0, 7, 8, 9, 98)),
        live=None if dice.random() < 0.1 else _replicas(dice),
    )


def deploys(dice: Random, number: int) -> Deploys:
    """Mostly of a release that is new."""
    placed = placement(dice)
    again = number > 1 and dice.random() < 0.15
    return Deploys(
        dice.randint(0, number - 1) if again else number,
        _behaviour(dice), placed, placed.strategy, dice.random() < 0.5 if again else False,
    )  # fmt: skip


def placement(dice: Random) -> Placement:
    """One that the file could have."""
    for _ in range(FRUITLESS):
        chain = _chain(dice)
        tested = isinstance(chain[-1], AB)
        found = Placement(
            replicas=_replicas(dice),
            strategy=chain,
            pace=_pace(dice),
            evidence=EvidenceCriteria(metrics=KPI) if tested else _evidence(dice),
            shield=Shield(enabled=dice.random() < 0.8),
            sticky=STICKY if tested or dice.random() < 0.5 else None,
            checks={dice.choice(ASKED_AT): (_asked(dice),)} if dice.random() < 0.08 else {},
            approvals=(dice.choice(ASKED_AT),) if dice.random() < 0.05 else (),
            hooks=_hooks(dice) if dice.random() < 0.08 else Hooks(),
        )
        if taken(found):
            return found
    raise AssertionError("no placement that is drawn is taken any more")


def taken(placement: Placement) -> bool:
    """Whether a file that asks for it is not refused."""
    checks = (*OF_A_FIELD[Placement, "strategy"],)
    whole = OF_A_WHOLE[Placement]
    return not any(fault for check in checks for fault in check(placement.strategy)) and not any(
        fault for check in whole for fault in check(placement)
    )


def _replicas(dice: Random) -> int:
    return dice.choice((1, 1, 2, 2, 3, 4, 5))


def _chain(dice: Random) -> Chain:
    last = dice.choice(LAST)(dice)
    if isinstance(last, Recreate) or dice.random() < 0.7:
        return (last,)
    before: list[Strategy] = [_dark(dice)] if dice.random() < 0.6 else []
    if not isinstance(last, AB) and (not before or dice.random() < 0.3):
        before.append(dice.choice((_custom, _shadow))(dice))
    return (*before, last)


def _canary(dice: Random) -> Strategy:
    return Canary(_shares(dice))


def _incremental(dice: Random) -> Strategy:
    return Incremental(_shares(dice))


def _blue_green(dice: Random) -> Strategy:
    preview = dice.choice(INSIDERS) if dice.random() < 0.4 else None
    return BlueGreen(dice.choice((0.0, 3.0)), preview, "manual" if dice.random() < 0.3 else "automatic")


def _red_black(dice: Random) -> Strategy:
    return RedBlack(dice.choice((0.0, 3.0)))


def _rolling(dice: Random) -> Strategy:
    return Rolling(*_batch(dice))


def _rolling_red_black(dice: Random) -> Strategy:
    return RollingRedBlack(_shares(dice))


def _rolling_canary(dice: Random) -> Strategy:
    return RollingCanary(_shares(dice), *_batch(dice))


def _shadow(dice: Random) -> Strategy:
    return Shadow(
        dice.choice((100, 5000, ALL)), dice.choice((None, None, 2)), lasts=dice.choice((1.0, 3.0)),
        differs=Differs(dice.choice((None, None, 0.1))),
    )  # fmt: skip


def _a_b(dice: Random) -> Strategy:
    """Of one release, of several variants, or by what requests carry."""
    variants: dict[str, Variant] = {}
    form = dice.randint(0, 2)
    for place, name in enumerate(("red", "blue", "green")[: dice.randint(1, 3) if form else 0]):
        variants[name] = Variant({"COLOUR": name}, INSIDERS[place] if form == 2 else None)
    return AB(
        "basket",
        dice.choice((100, 5000, 9000)),
        dice.choice((2.0, 5.0)),
        match=None if variants else dice.choice((None, *INSIDERS)),
        variants=variants,
        then=dice.choice(("keep", "promote", "ask", "ask")),
    )


def _asked(dice: Random) -> Driver:
    return Driver(
        "webhook", {"url": "http://127.0.0.1:9/ask", "every": 1.0, "retries": 1, "on_error": dice.choice(("hold", "rollback"))}
    )  # fmt: skip


def _hooks(dice: Random) -> Hooks:
    told = (Driver("webhook", {"url": "http://127.0.0.1:9/tell", "every": 1.0, "retries": 1}),)
    return Hooks(*(told if dice.random() < 0.5 else () for _ in range(3)))


def _recreate(_: Random) -> Strategy:
    return Recreate()


def _dark(dice: Random) -> Strategy:
    return Dark(dice.choice(INSIDERS), dice.randint(1, 2), dice.choice((None, 0.0, 3.0)))


def _custom(dice: Random) -> Strategy:
    shares = sorted(dice.choice((0, 1, 100, 2500, 5000, ALL - 1, ALL)) for _ in range(dice.randint(1, 3)))
    return Custom(tuple(_step(dice, share) for share in shares))


def _step(dice: Random, share: int) -> CustomStep:
    return CustomStep(
        share=share,
        instances=dice.randint(1, 5) if dice.random() < 0.4 else None,
        match=dice.choice(INSIDERS) if dice.random() < (0.3 if share else 0.8) else None,
        until=dice.choice((None, "proven", "dwell", "dwell", "advanced")),
        dwell=dice.choice((None, 0.0, 2.0)),
        on_unsure=dice.choice((None, None, "hold", "rollback", "advance")),
        approval=dice.random() < 0.1,
    )


LAST: tuple[Callable[[Random], Strategy], ...] = (
    _canary, _canary, _incremental, _incremental, _blue_green, _red_black, _rolling, _rolling_red_black, _rolling_canary,
    _recreate, _dark, _custom, _custom, _a_b, _shadow,
)  # fmt: skip


def _shares(dice: Random) -> tuple[int, ...]:
    usual = (1, 100, 1000, 2500, 5000, 7500, ALL - 1)
    found = {
        dice.choice(usual) if dice.random() < 0.7 else dice.randint(1, ALL - 1)
        for _ in range(dice.choice((1, 1, 2, 3)))
    }
    return tuple(sorted(found))


def _batch(dice: Random) -> tuple[int, int]:
    return dice.choice(((1, 0), (0, 1), (2, 1), (5, 0)))


def _pace(dice: Random) -> Pace:
    return Pace(
        until=dice.choice(("proven", "dwell", "dwell")),
        dwell=dice.choice((0.0, 1.0, 1.0, 5.0)),
        deadline=dice.choice((5.0, 10.0, 30.0)),
        on_unsure=dice.choice(("rollback", "advance", "advance", "hold")),
        requests=dice.choice((0, 0, 0, 30)),
        bake=dice.choice((0.0, 0.0, 0.0, 4.0)),
        on_failure=dice.choice(("rollback", "rollback", "gradual", "hold")),
    )


def _evidence(dice: Random) -> EvidenceCriteria:
    asked = {"memory": Metric("none", value="memory", during=("start",))} if dice.random() < 0.03 else {}
    return EvidenceCriteria(
        compare="baseline" if dice.random() < 0.15 else "live",
        judge=Betting() if dice.random() < 0.8 else Threshold(interval=2.0, failure_limit=1, successes=2),
        metrics=asked,
        warm_up=2.0 if dice.random() < 0.05 else 0.0,
    )


def _behaviour(dice: Random) -> Behaviour:
    """Half of all are sound."""
    starts_in = dice.choice((0.0, 0.3, 1.0, 4.0))
    match dice.randint(0, 15):
        case 0:
            return Behaviour(starts_in, errors=dice.choice((0.02, 0.3, 1.0)))
        case 1:
            return Behaviour(starts_in, slow=0.5)
        case 2:
            return Behaviour(starts_in, slower=dice.choice((0.5, 4.0)))
        case 3:
            return Behaviour(starts_in, crash_after=dice.choice((0.5, 3.0, 20.0)))
        case 4:
            return Behaviour(never_ready=True)
        case 5:
            return Behaviour(starts_in, lies=True)
        case 6:
            return Behaviour(starts_in, errors=0.3, bad_replicas=0.5)
        case 7:
            return Behaviour(starts_in, leak=20.0)
        case _:
            return Behaviour(starts_in)


def _asks(dice: Random) -> Happening:
    return Asks(
        dice.choice(("pause", "resume", "advance", "advance", "abort", "rollback", "restart", "remove"))
    )


def _scales(dice: Random) -> Happening:
    return Scales(dice.choice((0, 1, 2, 3, 6)), dice.choice((1, 2, 3, 4)))


def _router_away(dice: Random) -> Happening:
    return RouterAway(dice.choice((0.3, 3.0, 12.0)))


def _killed(dice: Random) -> Happening:
    return Killed(
        dice.random() < 0.7, dice.randint(0, 2), dice.choice((0.0, 1.0, 10.0)), dice.choice((0.0, 0.0, 0.0, -20.0, 20.0))
    )  # fmt: skip


def _store_fails(dice: Random) -> Happening:
    return StoreFails(dice.choice((0.5, 4.0)), dice.random() < 0.5)


def _store_slow(dice: Random) -> Happening:
    return StoreSlow(dice.choice((2.0, 6.0)), dice.choice((0.1, 1.0)))


OTHERS: tuple[Callable[[Random], Happening], ...] = (
    _asks, _asks, _asks, _scales, _router_away,
    lambda _: RouterForgets(),
    lambda dice: ProviderFails(dice.randint(1, 3)),
    lambda dice: InstanceDies(dice.randint(0, 20)),
    lambda dice: InstanceDies(dice.randint(0, 20)),
    _killed, _killed,
    lambda dice: OldOrder(dice.randint(0, 20)),
    _store_fails, _store_slow,
)  # fmt: skip
