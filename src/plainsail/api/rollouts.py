"""Rollouts: started, steered, followed, explained."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from plainsail.api.params import Asking, Ctx, Limit
from plainsail.app import deploy as deploying
from plainsail.app import queries, steer, upkeep
from plainsail.app.documents import RolloutDocument
from plainsail.app.expected import Expected
from plainsail.ports.store import Key

LOOK_EVERY = 0.2
"""Seconds between looks for new events while somebody waits for one."""

Wait = Annotated[float, QueryParameter(ge=0, le=30, description="Seconds to wait for the first event.")]


class DeployBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`release` is a digest, its first digits, or a version. With `plan` nothing is started."""

    release: str
    strategy: str | None = None
    again: bool = False
    plan: bool = False
    expected: Expected | None = None
    """What the asker saw; if it has moved on, nothing is done (`moved_on`)."""


class RollbackBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    to: str | None = None
    """A release that was live here; absent: the last good one."""
    reason: str = ""
    expected: Expected | None = None
    """What the asker saw; if it has moved on, nothing is done (`moved_on`)."""


class ScaleBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    replicas: int
    """Instances, 1 to 1000; they are kept until the file says another number than now."""
    reason: str = ""
    expected: Expected | None = None
    """What the asker saw; if it has moved on, nothing is done (`moved_on`)."""


class UpkeepBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: str = ""
    expected: Expected | None = None
    """What the asker saw; if it has moved on, nothing is done (`moved_on`)."""


class SteerBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    environment: str | None = None
    """For a service with rollouts in several."""
    reason: str = ""
    expected: Expected | None = None
    """What the asker saw; if it has moved on, nothing is done (`moved_on`). Of an abort only `rollout` is compared."""
    gradual: bool = False
    """Of an abort: the shares in reverse, instead of all users at once."""
    step: str | None = None
    """Name of the step that is meant, such as `10%`; if the rollout is at another, nothing is done (`moved_on`)."""


@post("/services/{service:str}/environments/{environment:str}/rollouts", status_code=202, sync_to_thread=True)
def deploy(
    context: Ctx,
    request: Asking,
    service: FromPath[str],
    environment: FromPath[str],
    data: JSONBody[DeployBody],
) -> RolloutDocument | deploying.Plan:
    """Start a rollout, or with `plan` show its steps."""
    key = Key(service, environment)
    if data.plan:
        return deploying.plan(context, request.user, key, data.release, data.strategy, data.again)
    return deploying.deploy(
        context, request.user, key, data.release, data.strategy, data.again, data.expected
    )


@post("/services/{service:str}/environments/{environment:str}/rollback", status_code=202, sync_to_thread=True)
def rollback(
    context: Ctx,
    request: Asking,
    service: FromPath[str],
    environment: FromPath[str],
    data: JSONBody[RollbackBody],
) -> RolloutDocument:
    """Back to the last good release, at once; the rollout that does it. Passes every gate."""
    return steer.rollback(
        context, request.user, Key(service, environment), data.to, data.reason, data.expected
    )


@post("/services/{service:str}/environments/{environment:str}/scale", status_code=202, sync_to_thread=True)
def scale(
    context: Ctx,
    request: Asking,
    service: FromPath[str],
    environment: FromPath[str],
    data: JSONBody[ScaleBody],
) -> RolloutDocument:
    """More instances of what is live, or fewer; the rollout that does it."""
    return upkeep.scale(
        context, request.user, Key(service, environment), data.replicas, data.reason, data.expected
    )


@post("/services/{service:str}/environments/{environment:str}/restart", status_code=202, sync_to_thread=True)
def restart(
    context: Ctx,
    request: Asking,
    service: FromPath[str],
    environment: FromPath[str],
    data: JSONBody[UpkeepBody],
) -> RolloutDocument:
    """New instances of what is live, in the place of the old ones; the rollout that does it."""
    return upkeep.restart(context, request.user, Key(service, environment), data.reason, data.expected)


@post("/services/{service:str}/environments/{environment:str}/remove", status_code=202, sync_to_thread=True)
def remove(
    context: Ctx,
    request: Asking,
    service: FromPath[str],
    environment: FromPath[str],
    data: JSONBody[UpkeepBody],
) -> RolloutDocument:
    """Take a service away from an environment, and end its registration there; the rollout that does it."""
    return upkeep.remove(context, request.user, Key(service, environment), data.reason, data.expected)


@get("/rollouts", sync_to_thread=True)
def rollouts(
    context: Ctx,
    request: Asking,
    service: FromQuery[str | None] = None,
    environment: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> queries.RolloutsDocument:
    """Latest first."""
    return queries.rollouts(context, request.user, service, environment, limit)


@get("/rollouts/{rollout:str}", sync_to_thread=True)
def rollout(
    context: Ctx, request: Asking, rollout: FromPath[str], environment: FromQuery[str | None] = None
) -> RolloutDocument:
    """By id; or by service: the one under way, else the last."""
    return queries.rollout(context, request.user, rollout, environment)


@get("/rollouts/{rollout:str}/verdict", sync_to_thread=True)
def verdict(
    context: Ctx, request: Asking, rollout: FromPath[str], environment: FromQuery[str | None] = None
) -> queries.VerdictDocument:
    """The numbers behind a decision."""
    return queries.verdict(context, request.user, rollout, environment)


@post("/rollouts/{rollout:str}/{verb:str}", status_code=202, sync_to_thread=True)
def steering(
    context: Ctx,
    request: Asking,
    rollout: FromPath[str],
    verb: FromPath[steer.Verb],
    data: JSONBody[SteerBody],
) -> RolloutDocument:
    """`pause`, `resume`, `advance`, `abort`, `approve` or `reject` it."""
    return steer.steer(
        context,
        request.user,
        verb,
        rollout,
        data.environment,
        data.reason,
        data.expected,
        data.gradual,
        data.step,
    )


@post("/abort-all", status_code=202, sync_to_thread=True)
def abort_all(context: Ctx, request: Asking, data: JSONBody[SteerBody]) -> queries.RolloutsDocument:
    """Abort every rollout under way; those that were."""
    return queries.RolloutsDocument(steer.abort_all(context, request.user, data.reason))


@get("/history", sync_to_thread=True)
def history(
    context: Ctx, request: Asking, service: FromQuery[str | None] = None, limit: Limit = 50
) -> queries.HistoryDocument:
    """Releases, rollouts and what happened."""
    return queries.history(context, request.user, service, limit)


@get("/events")
async def events(
    context: Ctx, request: Asking, after: FromQuery[int] = 0, service: FromQuery[str | None] = None, rollout: FromQuery[str | None] = None,
    limit: Limit = 200, wait: Wait = 0,
) -> queries.EventsDocument:  # fmt: skip
    """Those after an id, in order; waits for the first if there is none. With `after` < 0: the last ones, at once."""
    until = time.monotonic() + wait
    while True:
        found = await asyncio.to_thread(queries.events, context, request.user, after, service, rollout, limit)
        if found.events or after < 0 or time.monotonic() >= until:
            return found
        await asyncio.sleep(LOOK_EVERY)


HANDLERS: list[ControllerRouterHandler] = [
    deploy, rollback, scale, restart, remove, rollouts, rollout, verdict, steering, abort_all, history, events,
]  # fmt: skip
