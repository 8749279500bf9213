"""What was taken back is not deployed again by accident: a release, or, where the release was live and only its configuration
was new, that release with that configuration.

Which of the two was bad can't be known when both were new: then it is the release, with any configuration. With a release
that users have already it can: then the release stays free, and so does every other configuration of it.
"""

from __future__ import annotations

import msgspec

from plainsail.domain.rollout import Configured, Revision, Target

replace = msgspec.structs.replace

MOST = 100
"""Pairs that are remembered; who changes variables a hundred times has forgotten the first."""


def quarantined(target: Target, revision: Revision, kept: Revision | None) -> Target:
    """The target after `revision` was taken back and `kept` (None: nothing) has the users."""
    if kept is None or kept.release != revision.release:
        others = tuple(one for one in target.quarantine if one != revision.release)
        return replace(target, quarantine=(*others, revision.release))
    if kept.config == revision.config:
        return target
    pair = Configured(revision.release, revision.config)
    return replace(
        target, misconfigured=(*(one for one in target.misconfigured if one != pair), pair)[-MOST:]
    )


def freed(target: Target, revision: Revision) -> Target:
    """The target after it was meant all the same."""
    pair = Configured(revision.release, revision.config)
    return replace(
        target,
        quarantine=tuple(one for one in target.quarantine if one != revision.release),
        misconfigured=tuple(one for one in target.misconfigured if one != pair),
    )


def why(target: Target, release: str, config: str, version: str) -> str:
    """What keeps it from being deployed, in a clause; empty: nothing."""
    if release in target.quarantine:
        return f"{version} was taken back from {target.environment} before"
    if Configured(release, config) in target.misconfigured:
        return f"{version} was taken back from {target.environment} before with this configuration"
    return ""


def good(target: Target, release: str | None = None) -> tuple[Revision, ...]:
    """What a rollback may go to, latest first; with a release, that one, also if it is in quarantine."""
    return tuple(
        one
        for one in target.good
        if Configured(one.release, one.config) not in target.misconfigured
        and (one.release == release if release else one.release not in target.quarantine)
    )
