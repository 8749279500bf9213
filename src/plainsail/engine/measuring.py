"""What is read from metric sources while a rollout needs it: in the background, so that no turn ever waits for a source."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from plainsail.domain.arms import exposed
from plainsail.domain.criteria import EvidenceCriteria, Metric
from plainsail.domain.evidence import Evidence, Track
from plainsail.domain.observation import Measured, Seen, Unmeasured
from plainsail.domain.rollout import Rollout, Target
from plainsail.domain.windows import Standing, due, measured, standing
from plainsail.engine.checking import Places
from plainsail.engine.readings import clause, outcome
from plainsail.ports.metrics import Ask, Metrics
from plainsail.ports.store import Key

log = logging.getLogger(__name__)

READ_WITHIN = 30.0
"""Seconds that a source may take over one window: as long as Prometheus's scrape configurations let a target take at most
by habit, and a third of its own limit for a query (two minutes)."""
AT_A_SOURCE = 4
"""Windows of one source that are asked about at once, two questions each; the others wait for their turn. Prometheus itself
answers twenty at a time (`--query.max-concurrency`)."""
AT_ONCE = 32
"""Windows of all sources together: seven sources that hang leave room for the eighth."""


class Lanes:
    """How many windows, and checks, are asked about at once, by all targets of one control plane."""

    def __init__(self) -> None:
        self.checks = Places()
        self._all = asyncio.Semaphore(AT_ONCE)
        self._of: WeakKeyDictionary[Metrics, asyncio.Semaphore] = WeakKeyDictionary()

    def of(self, source: Metrics) -> tuple[asyncio.Semaphore, asyncio.Semaphore]:
        """To be taken in this order."""
        return self._of.setdefault(source, asyncio.Semaphore(AT_A_SOURCE)), self._all


class _Window:
    """One that is asked about now."""

    def __init__(self, since: float, until: float) -> None:
        self.since, self.until = since, until
        self.began_at: float | None = None
        """None while it waits for its turn."""
        self.task: asyncio.Task[Measured | Unmeasured] | None = None


class Measuring:
    """Of one target: at most one window of each metric at a time, for candidate and live at once."""

    def __init__(self, key: Key, sources: Mapping[str, Metrics], lanes: Lanes) -> None:
        self._key, self._sources, self._lanes = key, sources, lanes
        self._rollout = ""
        self._exposed_at: float | None = None
        self._now = 0.0
        self._under_way: dict[str, _Window] = {}
        self._asked: dict[str, float] = {}
        """By metric: the end of the last window that was asked about."""
        self._told: dict[str, Measured | Unmeasured] = {}

    def look(
        self, target: Target, evidence: Evidence | None, seen: Seen, now: float
    ) -> dict[str, Measured | Unmeasured]:
        """What is known by now; begins to ask about what is due. Returns at once, and raises nothing."""
        self._now = now
        rollout = target.rollout
        if rollout is None or not measured(rollout) or not rollout.placement.evidence.metrics:
            self.stop()
            return {}
        if rollout.id != self._rollout:
            self.stop()
            self._rollout = rollout.id
        known = evidence if evidence is not None and evidence.rollout == rollout.id else None
        if self._exposed_at is None:
            self._exposed_at = _exposed_at(rollout, known, seen, now)
        self._gather()
        criteria = rollout.placement.evidence
        stands = standing(rollout, criteria, seen, self._exposed_at, known.anew_at if known else 0.0)
        if stands is not None:
            self._begin(target, rollout, criteria, known, seen, stands)
        return dict(self._told)

    def stop(self) -> None:
        """Nothing is needed any more: what is under way is dropped."""
        for window in self._under_way.values():
            if window.task is not None:
                window.task.cancel()
        self._under_way.clear()
        self._asked.clear()
        self._told.clear()
        self._rollout, self._exposed_at = "", None

    def _gather(self) -> None:
        for name, window in list(self._under_way.items()):
            assert window.task is not None
            if window.task.done():
                del self._under_way[name]
                if not window.task.cancelled():
                    self._told[name] = self._said(window, window.task)
                    continue
            elif window.began_at is None or self._now - window.began_at < READ_WITHIN:
                continue
            window.task.cancel()  # one that does not heed it keeps its lane, and is not asked beside itself
            self._told[name] = Unmeasured(window.since, window.until, f"no answer within {READ_WITHIN:g} s")

    def _said(self, window: _Window, task: asyncio.Task[Measured | Unmeasured]) -> Measured | Unmeasured:
        defect = task.exception()
        if defect is None:
            return task.result()
        log.error("a metric source of %s answered what is no reading", self._key, exc_info=defect)
        return Unmeasured(
            window.since, window.until, f"its driver answered no reading ({type(defect).__name__})"
        )

    def _begin(
        self, target: Target, rollout: Rollout, criteria: EvidenceCriteria, evidence: Evidence | None,
        seen: Seen, stands: Standing,
    ) -> None:  # fmt: skip
        tracks = evidence.tracks if evidence else {}
        for name, metric in criteria.metrics.items():
            if name in self._under_way:
                continue
            taken, asked = tracks.get(name, Track()).until, self._asked.get(name, 0.0)
            window = due(metric, taken, asked, self._now, stands)
            if window is None:
                continue
            self._asked[name] = window[1]
            source = self._sources.get(metric.source)
            if source is None:
                why = f"{target.environment} has no metric source {metric.source}"
                self._told[name] = Unmeasured(*window, why)
                continue
            beside = _beside(rollout, seen, stands)
            groups = [rollout.candidate, *beside, *(rollout.others() if beside else ())]
            asks = [_ask(name, metric, target, group, seen, window) for group in groups]
            opened = self._under_way[name] = _Window(*window)
            opened.task = asyncio.create_task(
                self._read(opened, source, metric, asks), name=f"{self._key} {name}"
            )

    async def _read(
        self, window: _Window, source: Metrics, metric: Metric, asks: list[Ask]
    ) -> Measured | Unmeasured:
        mine, everybodys = self._lanes.of(source)
        async with mine, everybodys:
            window.began_at = self._now
            readings: list[Coroutine[Any, Any, Any]] = [source.read(ask) for ask in asks]
            answers = await asyncio.gather(*readings, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, Exception) and not clause(answer):
                log.error("metric source %s of %s failed", metric.source, self._key, exc_info=answer)
        return outcome(metric, asks, answers)


def _exposed_at(rollout: Rollout, evidence: Evidence | None, seen: Seen, now: float) -> float | None:
    """When the candidate first had users; after a restart, as the evidence has it."""
    first = evidence.exposed_at if evidence else None
    return now if first is None and exposed(rollout, seen) else first


def _beside(rollout: Rollout, seen: Seen, stands: Standing) -> list[str]:
    """The group to compare with, if it has users, as the candidate has."""
    group = (rollout.group("baseline") or rollout.live) if stands.stage != "start" else None
    return [group] if group is not None and seen.share(group) else []


def _ask(
    name: str, metric: Metric, target: Target, group: str, seen: Seen, window: tuple[float, float]
) -> Ask:
    known, found = target.group(group), seen.groups.get(group)
    return Ask(
        metric=name,
        queries=metric.queries(),
        service=target.service,
        environment=target.environment,
        group=group,
        release=known.revision.release if known else "",
        version=known.revision.version if known else "",
        instances=tuple(one.address for one in found.instances if one.address) if found else (),
        since=window[0],
        until=window[1],
    )
