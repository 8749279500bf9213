"""What must hold in every scene: looked at in each turn, after each order, and at the end.

Of decisions it is said in `tests/domain/safe.py`. Here is what takes more than one look: what users really had, what became of each
rollout, and the world at rest.
"""

from __future__ import annotations

from tests.domain.safe import check
from tests.soak.plane import Plane, sound
from tests.soak.scene import SERVICE, Deploys, Happening
from tests.soak.telling import Story

from plainsail.domain.actions import Send
from plainsail.domain.decide import Decision
from plainsail.domain.intents import Intent
from plainsail.domain.observation import Seen
from plainsail.domain.plan import wanted
from plainsail.domain.rollout import ENDED, Group, Rollout
from plainsail.domain.strategy import chain_name
from plainsail.domain.traffic import Traffic
from plainsail.domain.units import ALL
from plainsail.drivers._kit.replicas import LONGEST_WAIT
from plainsail.drivers.routers.haproxy.table import home
from plainsail.testing.behaviour import Behaviour

UNTRAVELLED = ("no_change", "quarantined", "nothing_to_go_back_to")
"""Codes of rollouts that were over as they began."""
REST = 20.0
"""Seconds after which nothing is ordered any more: longer than what drains, or is started again, takes here."""
SOUND = Behaviour()
AGAIN = 20
"""Of so many decisions one is asked for twice."""


class Watch:
    """Of one scene."""

    def __init__(self, plane: Plane, story: Story | None) -> None:
        self._plane, self._story = plane, story
        self._started: dict[str, int] = {}
        self._ended: dict[str, int] = {}
        self._shown = 0
        """The largest share that any step so far asked for the candidate of the rollout under way."""
        self._of = ""
        """That rollout."""
        self._had = 0
        """Users (a bit for each bucket) whom the new release had when it was last looked."""
        self._new: frozenset[str] = frozenset()
        """Groups of the new release then."""
        self._calm = True
        """Nothing has happened but deploys of sound releases."""
        if story is not None:
            plane.tell = story.says

    # What the plane tells.

    def decided(self, decision: Decision, seen: Seen, intents: tuple[Intent, ...]) -> None:
        plane = self._plane
        if self._story is not None:
            self._story.turn(plane, decision, seen, intents)
        check(decision, seen)
        _only_what_steps_say(decision, seen)
        if (plane.turns + plane.scene.seed) % AGAIN == 0 and not intents:
            assert decision == plane.decide(seen), "the same inputs give the same decision"

    def recorded(self, decision: Decision, seen: Seen) -> None:
        """It is official now."""
        for event in decision.events:
            if event.kind == "rollout_started":
                self._started[event.rollout] = self._started.get(event.rollout, 0) + 1
            elif event.kind == "rollout_ended":
                self._ended[event.rollout] = self._ended.get(event.rollout, 0) + 1
        for one in decision.rollouts:
            assert one.ended() == bool(self._ended.get(one.id)), (
                "a rollout is over when it is said to be, and stays so"
            )
        rollout = decision.target.rollout
        if rollout is None:
            self._of, self._shown = "", 0
            return
        assert not rollout.ended(), "what is over is not under way"
        asked = rollout.current().share("candidate")
        if rollout.id != self._of:
            self._of, self._shown = rollout.id, asked
            if rollout.warm is None or rollout.warm not in self._new:
                self._had = 0
        self._shown = max(self._shown, asked)

    def acted(self, seen: Seen) -> None:
        """Orders were given: this is what users have now."""
        table, rollout = self._plane.world.router.tables.get(SERVICE), self._plane.target.rollout
        if table is None or rollout is None or rollout.live is None or not rollout.renews():
            return
        if rollout.kind == "deploy" and not self._shown:
            self._nobody_sees(table, rollout)
        if rollout.phase in ("progressing", "paused", "finishing"):
            self._nobody_flips_back(table, rollout)
            self._keeps_what_was_taken_over(table, rollout)

    # What the scene tells.

    def begins(self) -> None:
        """Live has all users; what was before is not looked at."""
        self._started, self._ended = {}, {}
        world = self._plane.world
        world.user_errors = world.lost = world.unanswered = 0
        if self._story is not None:
            self._story.begins(self._plane)

    def happens(self, what: Happening) -> None:
        quiet = isinstance(what, Deploys) and sound(what.like) and chain_name(what.chain) != "recreate"
        self._calm = self._calm and quiet
        if self._story is not None:
            self._story.happens(self._plane, what)

    def calms_down(self) -> None:
        if self._story is not None:
            self._story.says("# from here on nothing fails, and a person sees to what waits for one")

    def is_over(self) -> None:
        """Every rollout has come to a named end, and the world is as desired."""
        plane = self._plane
        for id in self._started:
            assert self._started[id] == self._ended.get(id, 0) == 1, "each rollout begins once and ends once"
            assert plane.rollouts[id].phase in ENDED, "every rollout ends in a named phase"
        self._at_rest()
        scene, world = plane.scene, plane.world
        if self._calm and not scene.late and scene.live is not None:
            assert not world.user_errors, (
                f"sound releases hurt nobody, and {world.user_errors} users were hurt"
            )

    def travelled(self) -> list[Rollout]:
        """Rollouts that went their way."""
        rollouts = (self._plane.rollouts[id] for id in self._started)
        return [one for one in rollouts if one.reason_code not in UNTRAVELLED]

    # What must hold.

    def _nobody_sees(self, table: Traffic, rollout: Rollout) -> None:
        """No step has shown it to users yet."""
        assert not table.share(rollout.candidate), "what no step has shown to users is not shown to outsiders"
        answered = table.routes and table.routes[-1].split
        assert not answered or rollout.candidate not in (table.live, home(table)), (
            "what is dark answers for nobody else"
        )

    def _nobody_flips_back(self, table: Traffic, rollout: Rollout) -> None:
        """Where users stick to a side, those who have the new release keep it for as long as its share does not shrink, and live
        has somebody to answer."""
        if table.sticky is None:
            return
        new = frozenset(group for group in (rollout.candidate, rollout.warm) if group is not None)
        has = _users(table, new)
        if home(table) == rollout.live and has.bit_count() >= self._had.bit_count():
            lost = (self._had & ~has).bit_count()
            assert not lost, f"nobody flips back while shares grow, and {lost} of {ALL:,} buckets did"
        self._had, self._new = has, new

    def _keeps_what_was_taken_over(self, table: Traffic, rollout: Rollout) -> None:
        """As long as nothing fails users of what was superseded have that, or the newer one."""
        if rollout.warm is None or not self._calm or self._plane.scene.live is None:
            return
        taken = rollout.course.steps[0].share("warm")
        has = table.share(rollout.candidate) + table.share(rollout.warm)
        assert has >= taken, (
            f"of {taken} that users had of something new {has} are left, and nothing had failed"
        )

    def _at_rest(self) -> None:
        plane = self._plane
        world, target = plane.world, plane.target
        live = target.group(target.live)
        plane.run(world.now + REST, self)
        self._live_is_there(live)
        if live is None or sound(world.behaviours.get(live.revision.release, SOUND)):
            assert plane.decide(plane.look()).actions == (), "nothing is ordered in a world as desired"
            left = {one.group for one in world.provider.instances(SERVICE)}
            assert left <= {target.live}, "nothing runs that nobody asked for"
        if live is None or plane.look().ready(live.id):  # what is there answers where nobody of live is
            assert self._answering() <= {target.live}, "a candidate that was taken back has no users"

    def _live_is_there(self, live: Group | None) -> None:
        """One that crashes again and again is started as seldom as the provider starts such; until then others have its users."""
        world = self._plane.world
        until = world.now + LONGEST_WAIT
        while live is not None and world.now < until and live.id not in self._answering():
            self._plane.run(world.now + 1.0, self)

    def _answering(self) -> set[str]:
        """Groups that have users."""
        table = self._plane.world.router.tables.get(SERVICE)
        split = (part for route in table.routes for part in route.split) if table else ()
        return {part.group for part in split if part.share_bp}


def _only_what_steps_say(decision: Decision, seen: Seen) -> None:
    """No group but live gets more users than the step says, or than it has; where live has nobody, who has a share has all."""
    rollout, live = decision.target.rollout, decision.target.live
    sent = [action for action in decision.actions if isinstance(action, Send)]
    want = wanted(decision.target) if sent else None
    if rollout is None or want is None or want.live is None or not seen.ready(want.live):
        return
    for action in sent:
        for part in action.traffic.routes[-1].split:
            most = max(want.split.get(part.group, 0), seen.share(part.group))
            assert part.group == live or part.share_bp <= most, "no group has more users than the step says"


def _users(table: Traffic, groups: frozenset[str]) -> int:
    """Buckets of users that these groups have, as the HAProxy driver sets its thresholds: all but home in order, then home."""
    split = table.routes[-1].split if table.routes else ()
    chosen, lower, found = home(table), 0, 0
    rest = ALL
    for part in split:
        if part.group == chosen:
            continue
        if part.group in groups:
            found |= ((1 << part.share_bp) - 1) << lower
        lower, rest = lower + part.share_bp, rest - part.share_bp
    if chosen in groups and rest > 0:
        found |= ((1 << rest) - 1) << lower
    return found
