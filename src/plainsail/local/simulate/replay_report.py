"""What a replay found: the document of --json, and the same for people."""

from __future__ import annotations

from plainsail.cli.screen import words
from plainsail.domain.units import percent, seconds
from plainsail.local.simulate.layout import Json, since, time, width_of, wrapped
from plainsail.local.simulate.replay import Comparison, Replayed, Share, decided_after, recorded_as


def replay_document(found: Comparison) -> Json:
    """Times are seconds since the candidate's first users, shares basis points."""
    recorded, verdict = found.recorded, found.recorded.verdict
    after = decided_after(recorded)
    return {
        "rollout": recorded.rollout.id,
        "service": recorded.rollout.service,
        "environment": recorded.rollout.environment,
        "changed": found.changed(),
        "recorded": {
            "outcome": recorded.rollout.phase,
            "said": recorded_as(recorded),
            "seconds": None if after is None else time(after),
            "code": verdict.code if verdict else "",
            "sentence": verdict.sentence if verdict else "",
            "lasted": time(found.lasted),
        },
        "same_policy": None if found.before is None else _said(found.before),
        "policy": _said(found.now),
        "shares": [_share(one) for one in found.now.shares],
        "unknown": list(found.unknown),
    }


def replay_text(found: Comparison, name: str, columns: int) -> str:
    """The recorded verdict, the other one, share by share, and what can't be known. `name` is the file's."""
    recorded, width = found.recorded, width_of(columns)
    after, verdict = decided_after(recorded), recorded.verdict
    was = (
        f"taken back after {since(after)}"
        if after is not None
        else f"{words(recorded_as(recorded))} in {since(found.lasted)}"
    )
    lines = [
        *wrapped(
            f"{recorded.rollout.id}, {recorded.rollout.service} in {recorded.rollout.environment},"
            f" {words(recorded.rollout.phase)}: the same samples under {name}",
            width,
        ),
        "",
        *wrapped(f"{was}: {verdict.sentence if verdict else ''}", width, "as recorded   ", " " * 14),
    ]
    if found.before is not None and found.before.said != recorded_as(recorded):
        lines += wrapped(
            f"{_told(found.before)}; so these samples do not tell enough", width, "by its trail  ", " " * 14
        )
    lines += wrapped(f"{_told(found.now)}: {found.now.sentence}", width, "it would be   ", " " * 14)
    lines += ["", *wrapped(_change(found), width)]
    if found.now.shares:
        lines += [
            "",
            f"{'share':>9}{'had from':>14}{'to':>14}   would go on",
            *(_row(one) for one in found.now.shares),
        ]
    lines += ["", "Not known:", *(line for one in found.unknown for line in wrapped(one, width, "- ", "  "))]
    return "\n".join([*lines, ""])


def _said(one: Replayed) -> Json:
    return {
        "said": one.said,
        "seconds": None if one.after is None else time(one.after),
        "code": one.code,
        "sentence": one.sentence,
    }


def _share(one: Share) -> Json:
    return {
        "share_bp": one.share_bp,
        "entered": time(one.entered),
        "left": time(one.left),
        "would_leave": None if one.would_leave is None else time(one.would_leave),
        "unsure": one.unsure,
    }


def _told(one: Replayed) -> str:
    return f"taken back after {since(one.after)}" if one.after is not None else "not taken back"


def _change(found: Comparison) -> str:
    now, was = found.now, decided_after(found.recorded)
    if now.after is not None and was is not None:
        apart = now.after - was
        if abs(apart) < 0.1:
            return "Nothing would have changed: it is taken back at the same time."
        return f"It would be taken back too, {seconds(abs(apart))} {'earlier' if apart < 0 else 'later'}."
    if now.after is not None:
        return f"This would have changed: it is taken back after {since(now.after)}, and was not."
    if was is not None:
        return f"This would have changed: it is not taken back in the {since(found.lasted)} that were recorded, and was."
    return "The verdict would have been the same: it is not taken back."


def _row(one: Share) -> str:
    if one.would_leave is not None:
        told = f"after {since(one.would_leave)}"
    elif one.unsure:
        told = f"at the deadline still unsure: {one.unsure}"
    else:
        told = "not in this time"
    return f"{percent(one.share_bp):>9}{since(one.entered):>14}{since(one.left):>14}   {told}"
