"""What is written is read, by whom it may be, in order, and all of it or nothing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from plainsail.domain.events import Event
from plainsail.domain.intents import Abort, Pause
from plainsail.domain.rollout import Target
from plainsail.domain.service import Notify, Placement, Service
from plainsail.ports.errors import Fenced, NotFound, Rejected
from plainsail.ports.store import Key
from plainsail.testing.conformance.bench import needs
from plainsail.testing.conformance.store import samples
from plainsail.testing.conformance.store.bench import StoreBench
from plainsail.testing.conformance.store.samples import SHOP, STAGING


def test_a_spec_is_read_back_and_makes_targets_that_are_due_at_once(bench: StoreBench) -> None:
    """`put_spec` registers; each placement is a target, empty and due."""
    store = bench.filled()
    assert store.environments() == samples.ENVIRONMENTS
    assert store.services() == samples.SERVICES
    assert store.service("shop") == samples.SERVICES["shop"]
    assert store.service("moon") is None
    assert store.notify() == samples.NOTIFY
    assert store.targets() == (SHOP, STAGING)
    assert store.busy() == ()
    assert store.due(now=0.0, holder="me") == (SHOP, STAGING)
    assert store.target(SHOP) == Target("shop", "production")
    assert store.target(Key("shop", "moon")) is None


def test_what_a_spec_does_not_name_stays_and_so_do_targets_whose_placement_is_gone(bench: StoreBench) -> None:
    """Register or update: nothing is removed by leaving it out, and no target is lost with what runs in it."""
    store = bench.filled()
    claimed = store.claim(SHOP, "me", now=0.0, lease=10.0)
    assert claimed
    store.save(samples.target(), claimed.epoch, due_at=5.0, held_until=0.0)
    blog = Service(samples.RUN, placements={"staging": Placement()})
    smaller = Service(samples.RUN, placements={"staging": Placement()})
    store.put_spec({}, {"blog": blog, "shop": smaller}, None, [Event("spec_applied", 1.0)])
    assert store.environments() == samples.ENVIRONMENTS
    assert store.services() == {"blog": blog, "shop": smaller}
    assert store.notify() == samples.NOTIFY
    assert store.targets() == (Key("blog", "staging"), SHOP, STAGING)
    assert store.target(SHOP) == samples.target()
    store.put_spec({}, {}, Notify(), ())
    assert store.notify() == Notify()


def test_what_nobody_asked_anything_of_is_unregistered_at_once(bench: StoreBench) -> None:
    store, event = bench.filled(), samples.event()
    events = len(store.events())
    assert store.unplace(SHOP, (event,))
    assert not store.unplace(SHOP, (event,)), "it is gone"
    assert SHOP.environment not in getattr(store.service(SHOP.service), "placements", {})
    assert len(store.events()) == events + 1
    assert store.target(SHOP) is not None, "what happened there is told of it"


def test_what_waits_to_begin_is_not_unregistered(bench: StoreBench) -> None:
    store = bench.filled()
    known = store.services()
    store.ask(SHOP, samples.deploy("r-1"), 10.0)
    events = store.events()
    assert not store.unplace(SHOP, (samples.event(),))
    assert (store.services(), store.events()) == (known, events)


def test_the_end_of_a_removal_ends_the_registration_there(bench: StoreBench) -> None:
    """In one transaction with the rollout; the target stays with what happened there, and can be placed again."""
    store = bench.filled()
    for key, left in ((SHOP, {"staging"}), (STAGING, None)):
        claimed = store.claim(key, "me", now=1.0, lease=10.0)
        assert claimed
        way = replace(samples.rollout(f"r-{key.environment}", key=key), kind="remove")
        empty = Target(key.service, key.environment, quarantine=(samples.digest(7),))
        held = replace(empty, rollout=way)
        store.save(held, claimed.epoch, rollouts=[way], due_at=5.0, held_until=11.0)
        assert key.environment in samples.SERVICES["shop"].placements
        over = replace(way, phase="succeeded", ended_at=20.0)
        store.save(empty, claimed.epoch, rollouts=[over], due_at=5.0, held_until=11.0)
        placed = store.service("shop")
        assert (set(placed.placements) if placed else None) == left
        assert store.target(key) == empty
        assert store.rollout(way.id) == over
    assert store.services() == {}
    store.put_spec({}, samples.SERVICES, None, ())
    assert store.services() == samples.SERVICES
    assert store.target(SHOP) == Target("shop", "production", quarantine=(samples.digest(7),))


@needs("durable")
def test_a_store_outlives_its_process(bench: StoreBench) -> None:
    """All of a target, its rollouts, evidence, intents and events are there for the next object."""
    store = bench.filled()
    claimed = store.claim(SHOP, "me", now=1.0, lease=10.0)
    assert claimed
    under_way = samples.rollout("r1")
    held = replace(samples.target(), rollout=under_way)
    store.save(
        held, claimed.epoch, rollouts=[under_way], events=[samples.event(1)], due_at=5.0, held_until=11.0
    )
    store.save_evidence("r1", SHOP, claimed.epoch, samples.evidence())
    ids = [store.ask(SHOP, intent, now=2.0) for intent in samples.INTENTS]
    store.close()

    again = bench.open()
    assert again.target(SHOP) == held
    assert again.rollout("r1") == under_way
    assert again.evidence("r1") == samples.evidence()
    assert [one.id for one in again.pending(SHOP)] == ids
    assert tuple(one.intent for one in again.pending(SHOP)) == samples.INTENTS
    assert [one.event for one in again.events()] == [samples.event(1)]
    taken = again.claim(SHOP, "me", now=3.0, lease=10.0)
    assert taken
    assert (taken.target, taken.epoch, taken.evidence) == (held, claimed.epoch + 1, samples.evidence())


def test_a_lease_keeps_others_away_until_it_ends(bench: StoreBench) -> None:
    """`claim` and `due` know whose lease runs; the holder's own keeps it from nothing; `save` moves the lease's end."""
    store = bench.filled()
    other = bench.open()
    first = store.claim(SHOP, "me", now=0.0, lease=10.0)
    assert first
    assert other.claim(SHOP, "you", now=9.9, lease=10.0) is None
    assert other.due(now=9.9, holder="you") == (STAGING,)
    assert store.due(now=9.9, holder="me") == (SHOP, STAGING), "a holder's own lease does not keep it away"
    assert other.due(now=9.9, holder="me") == (SHOP, STAGING), "nor does it after a restart"
    renewed = store.claim(SHOP, "me", now=9.9, lease=10.0)
    assert renewed
    assert renewed.epoch > first.epoch
    store.save(samples.target(), renewed.epoch, due_at=0.0, held_until=30.0)
    assert other.claim(SHOP, "you", now=29.9, lease=10.0) is None, "saving renews"
    assert other.due(now=30.0, holder="you") == (SHOP, STAGING)
    taken = other.claim(SHOP, "you", now=30.0, lease=10.0)
    assert taken
    assert taken.epoch > renewed.epoch
    assert store.claim(Key("shop", "moon"), "me", now=0.0, lease=1.0) is None


def test_who_was_overtaken_writes_nothing(bench: StoreBench) -> None:
    """A write under an older epoch raises Fenced, and not a part of it is written."""
    store = bench.filled()
    old = store.claim(SHOP, "me", now=0.0, lease=10.0)
    asked = store.ask(SHOP, samples.deploy("r1"), now=1.0)
    new = store.claim(SHOP, "you", now=10.0, lease=10.0)
    assert old
    assert new
    store.save(samples.target(), new.epoch, rollouts=[samples.rollout("r1")], due_at=50.0, held_until=20.0)
    with pytest.raises(Fenced) as fenced:
        store.save(
            samples.target(serial=99), old.epoch, rollouts=[samples.rollout("r2")], events=[samples.event()],
            done=[asked], due_at=0.0, held_until=99.0,
        )  # fmt: skip
    assert fenced.value.code == "fenced"
    with pytest.raises(Fenced):
        store.save_evidence("r1", SHOP, old.epoch, samples.evidence())
    with pytest.raises(Fenced):
        store.release_claim(SHOP, old.epoch)
    assert store.target(SHOP) == replace(samples.target(), rollout=samples.rollout("r1"))
    assert store.rollout("r2") is None
    assert store.evidence("r1") is None
    assert store.events() == ()
    assert [one.id for one in store.pending(SHOP)] == [asked]


def test_a_released_target_is_free_at_once(bench: StoreBench) -> None:
    """After `release_claim` another may claim it, whatever the lease said."""
    store = bench.filled()
    claimed = store.claim(SHOP, "me", now=0.0, lease=10.0)
    assert claimed
    store.release_claim(SHOP, claimed.epoch)
    assert store.claim(SHOP, "you", now=1.0, lease=10.0)


def test_an_intent_makes_its_target_due_until_it_is_done(bench: StoreBench) -> None:
    """`ask` makes it due; only `done` in a `save` takes the intent away."""
    store = bench.filled()
    claimed = store.claim(SHOP, "me", now=0.0, lease=10.0)
    assert claimed
    store.save(samples.target(), claimed.epoch, due_at=100.0, held_until=0.0)
    staging = store.claim(STAGING, "me", now=0.0, lease=10.0)
    assert staging
    store.save(Target("shop", "staging"), staging.epoch, due_at=100.0, held_until=0.0)
    assert store.due(now=50.0, holder="me") == ()
    asked = store.ask(SHOP, samples.deploy("r1"), now=50.0)
    found = store.asked("r1")
    assert found
    assert (found.id, found.intent) == (asked, samples.deploy("r1"))
    assert store.due(now=50.0, holder="me") == (SHOP,)
    store.save(samples.target(), claimed.epoch, due_at=100.0, held_until=0.0)
    assert store.due(now=50.0, holder="me") == (SHOP,), "saved without looking at the intent"
    store.save(samples.target(), claimed.epoch, done=[asked], due_at=100.0, held_until=0.0)
    assert store.due(now=50.0, holder="me") == ()
    assert store.pending(SHOP) == ()
    assert store.asked("r1") is None


def test_one_rollout_is_asked_for_once(bench: StoreBench) -> None:
    """The id of a deploy or rollback is taken for ever: Rejected (`rollout_known`). Other intents may come twice."""
    store = bench.filled()
    store.ask(SHOP, samples.deploy("r1"), now=1.0)
    with pytest.raises(Rejected) as again:
        store.ask(SHOP, samples.deploy("r1"), now=2.0)
    assert again.value.code == "rollout_known"
    with pytest.raises(Rejected):
        store.ask(STAGING, samples.deploy("r1"), now=2.0)
    store.ask(SHOP, Pause("r1", "bob"), now=3.0)
    store.ask(SHOP, Pause("r1", "bob"), now=4.0)
    assert len(store.pending(SHOP)) == 3
    assert store.pending(STAGING) == ()


def test_a_target_that_does_not_exist_can_not_be_asked(bench: StoreBench) -> None:
    """NotFound (`target_unknown`)."""
    store = bench.filled()
    with pytest.raises(NotFound) as unknown:
        store.ask(Key("shop", "moon"), Abort("r1", "bob"), now=1.0)
    assert unknown.value.code == "target_unknown"


def test_a_rollout_that_ended_makes_room_for_the_next_in_the_same_write(bench: StoreBench) -> None:
    """At most one is under way in a target; the end of one and the start of the next may be one write, in any order."""
    store = bench.filled()
    claimed = store.claim(SHOP, "me", now=0.0, lease=10.0)
    assert claimed
    epoch = claimed.epoch
    first, second = samples.rollout("r1", at=1.0), samples.rollout("r2", at=2.0)
    store.save(samples.target(), epoch, rollouts=[first], due_at=0.0, held_until=10.0)
    over = replace(first, phase="superseded", ended_at=2.0)
    store.save(samples.target(), epoch, rollouts=[second, over], due_at=0.0, held_until=10.0)
    assert store.target(SHOP) == replace(samples.target(), rollout=second)
    done = replace(second, phase="succeeded", ended_at=3.0)
    store.save(samples.target(), epoch, rollouts=[done], due_at=0.0, held_until=10.0)
    assert store.target(SHOP) == samples.target()
    assert store.rollouts() == (done, over)
    assert store.rollouts("shop", "staging") == ()
    assert store.rollouts("shop", "production", limit=1) == (done,)


def test_events_come_in_order_and_in_pages(bench: StoreBench) -> None:
    """Ids grow in the order of writing; filters and limits leave out, and never reorder."""
    store = bench.filled()
    claimed = store.claim(SHOP, "me", now=0.0, lease=10.0)
    assert claimed
    for n in range(0, 30, 3):
        events = [
            samples.event(n, "r1"),
            samples.event(n + 1, "r2"),
            samples.event(n + 2, key=Key("blog", "staging")),
        ]
        store.save(samples.target(), claimed.epoch, events=events, due_at=0.0, held_until=10.0)
    pages: list[float] = []
    after = 0
    while page := store.events(after, limit=7):
        pages += [one.event.at for one in page]
        after = page[-1].id
    assert pages == list(range(30))
    assert [one.event.at for one in store.events(-1, limit=4)] == [26, 27, 28, 29]
    assert [one.event.at for one in store.events(-1, rollout="r2", limit=2)] == [25, 28]
    assert [one.event.at for one in store.events(0, service="blog", limit=3)] == [2, 5, 8]
    first = store.events(limit=1)[0]
    assert [one.event.at for one in store.events(first.id, service="shop", rollout="r1", limit=2)] == [3, 6]


def test_busy_is_what_has_a_rollout_under_way_or_something_asked(bench: StoreBench) -> None:
    """What the engine must not let out of sight."""
    store = bench.filled()
    claimed = store.claim(SHOP, "me", now=0.0, lease=10.0)
    assert claimed
    store.save(samples.target(), claimed.epoch, rollouts=[samples.rollout("r1")], due_at=0.0, held_until=10.0)
    assert store.busy() == (SHOP,)
    store.ask(STAGING, Abort("r2", "ada"), now=1.0)
    store.ask(SHOP, Abort("r1", "ada"), now=1.0)
    assert store.busy() == (SHOP, STAGING)


def test_the_first_release_of_a_digest_stays(bench: StoreBench) -> None:
    """A release is immutable: adding its digest again changes nothing and tells nothing."""
    store = bench.filled()
    made = [Event("release_made", 1.0, "shop")]
    store.add_release(samples.release(1), made)
    store.add_release(samples.release(2), made)
    store.add_release(replace(samples.release(1), version="other"), made)
    assert store.releases("shop") == (samples.release(2), samples.release(1))
    assert store.releases("blog") == ()
    assert store.release(samples.digest(1), "shop") == samples.release(1)
    assert store.release(samples.digest(1), "blog") is None
    assert len(store.events()) == 2


@needs("durable")
def test_a_value_that_could_not_be_read_again_is_not_written(bench: StoreBench) -> None:
    """What the encoding can't hold fails when it is written, and leaves what was there."""
    store = bench.filled()
    claimed = store.claim(SHOP, "me", now=0.0, lease=10.0)
    assert claimed
    store.save(samples.target(), claimed.epoch, rollouts=[samples.rollout("r1")], due_at=0.0, held_until=10.0)
    store.save_evidence("r1", SHOP, claimed.epoch, samples.evidence())
    with pytest.raises(ValueError):  # noqa: PT011  (each encoding has words of its own)
        store.save_evidence(
            "r1", SHOP, claimed.epoch, replace(samples.evidence(), proof={"x": (float("-inf"),)})
        )
    assert store.evidence("r1") == samples.evidence()
