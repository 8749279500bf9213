"""`plainsail deploy`: makes the release if it is new, and starts its rollout."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from plainsail.cli.connect import HERE, Plane
from plainsail.cli.exits import DONE, NOT_FOUND, USAGE, Refusal
from plainsail.cli.options import AsJson, Duration, Flag
from plainsail.cli.origin import origin
from plainsail.cli.packing import pack
from plainsail.cli.planned import show
from plainsail.cli.screen import Json, err, out, plain, print_json, release_name, tell, words
from plainsail.cli.waiting import Waited, conclusion, wait
from plainsail.client import Client, ProblemError
from plainsail.domain.release import short
from plainsail.domain.units import percent, plural

LOOKED_AT_WITHIN = 5.0
"""Seconds that a rollout of what is live already is followed, to tell that there is nothing to do."""


def deploy(
    service: str, artifact: str, /, *, to: Annotated[str, Parameter(metavar="ENV")], version: str = "", strategy: str | None = None, commit: str = "",
    label: Annotated[tuple[str, ...], Parameter(negative="", metavar="KEY=VALUE")] = (), plan: Flag = False, again: Flag = False,
    wait: Flag = False, timeout: Duration | None = None, as_json: AsJson = False, plane: Plane = HERE,
) -> int:  # fmt: skip
    """Bring a version of a service to its users.

    A directory becomes a release: its content is its identity, so the same files are uploaded once. Then the
    rollout starts: new instances, a small share of the users, more as the evidence allows it; a release that is
    worse is taken back by itself. A rollout that is still under way there is superseded.

    Without --wait it returns when the rollout has begun. With --wait it stays until the end, and the exit code
    says what became of it; Ctrl-C only stops the waiting, and so does --timeout. When a release fails, its
    instances' last lines are shown.

    Example: `plainsail deploy shop ./dist --to production --wait`
    Example: `plainsail deploy shop 1.4 --to production --strategy blue-green`
    Example: `plainsail deploy shop ./dist --to production --plan`

    Parameters
    ----------
    service
        The service.
    artifact
        A directory; or a release that was uploaded before, by version or digest.
    to
        The environment.
    version
        What people call it; else what git says, else the first digits of its digest.
    strategy
        Another way than the declared one, for this once: canary, incremental, blue-green, red-black, rolling,
        rolling-red-black, rolling-canary, recreate, shadow; dark, a-b or custom if the file has it.
    commit
        The commit it was built from; else what git says.
    label
        KEY=VALUE to remember with the release; may be given several times.
    plan
        Show the steps and start nothing.
    again
        Deploy a release that was taken back before.
    wait
        Stay until it has ended, and exit with what became of it.
    timeout
        With --wait: stay no longer, such as 90s or 10m. The rollout goes on.
    """
    if timeout is not None and not wait:
        raise Refusal(USAGE, "usage", "--timeout is for --wait, and --wait is not given", "add --wait")
    with plane.connect() as client:
        if plan:
            return _plan(client, service, artifact, to, version, strategy, again, as_json)
        release = _release(client, service, artifact, version, commit, label)
        before = client.status(service, to)
        under_way = before["rollout"]
        rollout = client.deploy(service, to, release["digest"], strategy=strategy, again=again)
        if under_way is None and not wait and _is_live(before, release["digest"]):
            rollout = _begun(client, rollout)
        if under_way and under_way["id"] != rollout["id"] and under_way["release"] != rollout["release"]:
            old = release_name(under_way["version"], under_way["release"])
            tell(
                err(),
                f"It supersedes rollout {under_way['id']} of {old}, {words(under_way['phase'])} at {percent(under_way['reached_bp'])}",
            )
        return follow(client, rollout, wait, timeout, as_json)


def _plan(
    client: Client, service: str, artifact: str, to: str, version: str, strategy: str | None, again: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Of a directory the digest is all that is needed: nothing is uploaded, and no release is made."""
    directory = Path(artifact)
    if not directory.is_dir():
        digest = _known(client, service, artifact)["digest"]
        return show(client.deploy(service, to, digest, strategy=strategy, again=again, plan=True), as_json)
    packed = pack(directory)
    packed.tar.close()
    told = client.deploy(service, to, packed.digest, strategy=strategy, again=again, plan=True)
    if told["version"] == short(packed.digest):
        told["version"] = version or origin(directory).version or told["version"]
    return show(told, as_json)


def follow(
    client: Client, rollout: Json, waits: bool, timeout: float | None, as_json: bool, what: str = ""
) -> int:
    """Tell that it began, or `what` happens to it; or wait, and tell what became of it."""
    where = f"{rollout['service']} --env {rollout['environment']}"
    back = rollout["kind"] == "rollback"
    name = f"{'Rollback' if back else 'Rollout'} {rollout['id']} {'to' if back else 'of'} " + release_name(
        rollout["version"], rollout["release"]
    )
    if not waits:
        if as_json:
            print_json(rollout)
        elif rollout["reason_code"] == "no_change":
            tell(out(), _nothing(rollout))
        else:
            tell(out(), f"{what or f'{name} has begun'}; follow it: plainsail watch {where}")
        return DONE
    tell(err(), what or f"{name} in {rollout['environment']}")
    waited = wait(client, rollout, timeout, f"plainsail abort {where}")
    _tell(waited, as_json)
    return waited.exit_code


def _release(
    client: Client, service: str, artifact: str, version: str, commit: str, labels: tuple[str, ...]
) -> Json:
    directory = Path(artifact)
    if not directory.is_dir():
        return _known(client, service, artifact)
    for label in labels:
        if not label.partition("=")[0] or "=" not in label:
            raise Refusal(USAGE, "label_malformed", f"{label} is not a label", "write KEY=VALUE")
    packed = pack(directory)
    with packed.tar:
        try:
            known = client.release(service, packed.digest)
        except ProblemError as problem:
            if problem.code not in ("release_unknown", "release_missing"):
                raise
        else:
            if version and version != known["version"]:
                tell(err(), f"These files are release {known['version']} already; it keeps that version")
            return known
        from_git = origin(directory)
        tell(err(), f"Uploading {artifact}: {plural(packed.files, 'file')}, {_size(packed.size)}")
        return client.upload(
            service, packed.digest, packed.tar, packed.size,
            version or from_git.version or short(packed.digest), commit or from_git.commit, labels,
        )  # fmt: skip


def _known(client: Client, service: str, artifact: str) -> Json:
    if Path(artifact).exists():
        raise Refusal(
            USAGE,
            "artifact_kind",
            f"{artifact} is a file; a release is a directory",
            "unpack it, and name the directory",
        )
    if "/" in artifact:
        raise Refusal(
            NOT_FOUND,
            "artifact_unknown",
            f"There is no directory {artifact}",
            "name the one your command runs in",
        )
    try:
        return client.release(service, artifact)
    except ProblemError as problem:
        if problem.code != "release_unknown":
            raise
        raise Refusal(
            NOT_FOUND,
            "artifact_unknown",
            f"{artifact} is neither a directory here nor a release of {service}",
            problem.next_step,
        ) from problem


def _tell(waited: Waited, as_json: bool) -> None:
    rollout = waited.rollout
    if as_json:
        print_json({**rollout, "output": waited.output} if waited.output else rollout)
        return
    if waited.output:
        console = err()
        console.print(f"Last lines of {rollout['candidate']}:")
        for line in waited.output:
            console.print(Text(f"  {line['instance']} | {plain(line['text'])}"), soft_wrap=True)
    if rollout["ended_at"] is not None:
        said = _nothing(rollout) if rollout["reason_code"] == "no_change" else conclusion(rollout)
        tell(out(), said)


def _nothing(rollout: Json) -> str:
    if rollout["kind"] == "scale":
        return f"{plain(rollout['reason'])}; nothing to do"
    return f"{plain(rollout['version'])} is live already; nothing to do"


def _is_live(status: Json, digest: str) -> bool:
    return any(one["role"] == "live" and one["release"] == digest for one in status["groups"])


def _begun(client: Client, rollout: Json) -> Json:
    """The rollout once the control plane has looked at it: what is live already ends at once, as `no_change`."""
    until = time.monotonic() + LOOKED_AT_WITHIN
    while rollout["phase"] == "pending" and time.monotonic() < until:
        time.sleep(0.05)
        rollout = client.rollout(rollout["id"])
    return rollout


def _size(size: int) -> str:
    """Of what was packed; never less than a kilobyte, so never `0 kB`."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{max(size / 1e3, 1):,.0f} kB"
