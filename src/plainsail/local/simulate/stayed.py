"""What was to go wrong and did not: a fault that never came because it was over before, a bad release that stayed."""

from __future__ import annotations

from collections.abc import Sequence

from plainsail.domain.units import plural
from plainsail.local.simulate.play import Played


def stayed(played: Played) -> bool:
    """A release that does harm has all users."""
    return played.rollout.phase == "succeeded" and not played.setting.release.harmless


def why_it_stayed(played: Played) -> str:
    """In one clause."""
    if not began(played):
        return "it was over before any of that began"
    return "it was within the margins, or not watched for long enough"


def began(played: Played) -> bool:
    """Whether what is said of the release was ever so."""
    like = played.setting.release.like
    return played.seconds > like.after and (like.crash_after is None or played.crashes > 0)


def never_came(runs: Sequence[Played]) -> dict[str, int]:
    """In how many runs it was over before the release was as is said of it, and before each fault; by how they are written."""
    setting = runs[0].setting
    found = {setting.release.text: sum(not began(one) for one in runs)}
    for fault in setting.faults:
        found[fault.text] = sum(fault not in one.struck for one in runs)
    return found


def told_of_many(runs: Sequence[Played]) -> list[str]:
    """Sentences, with their numbers; none if all came and nothing stayed."""
    release, all_ = runs[0].setting.release, plural(len(runs), "run")
    told = [
        f"{name} never came in {n:,} of {all_}: it was over before."
        for name, n in never_came(runs).items()
        if n
    ]
    kept = sum(stayed(one) and began(one) for one in runs)
    if kept:
        told.append(
            f"A release that {release.told} stayed in {kept:,} of {all_}: it was within the margins, or not watched for long enough."
        )
    return told
