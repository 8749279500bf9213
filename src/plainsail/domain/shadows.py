"""Shadow steps: what came of copied requests is the evidence, and nothing of it is evidence about users. Pure.

While copies are sent, the judge looks at pairs (a copy and live's answer to the same request) instead of what users met: the
same tests, with the same margins and the same purse, so that alpha holds for the whole rollout. What it has learned of harm
goes on; what was proven does not, since a copy of a GET says little about what users will do: before the first user, nothing
is proven. The limit on other answers (`differs.max`) is a test of its own, with an alpha of its own.
"""

from __future__ import annotations

import math

import msgspec

from plainsail.domain.evidence import Arm, Evidence, Shadowed, Verdict
from plainsail.domain.observation import Counts, Mirrored, Seen
from plainsail.domain.rollout import Rollout
from plainsail.domain.stats import betting
from plainsail.domain.strategy import Copies
from plainsail.domain.units import percent_of, plural

replace = msgspec.structs.replace


def copying(rollout: Rollout) -> Copies | None:
    """What the present step has copied; None: nothing."""
    return rollout.current().copies


def mirrored(evidence: Evidence, rollout: Rollout, seen: Seen, now: float) -> Evidence:
    """The evidence before the judge looks: with what came of copies since the last look, and apart from what users met."""
    copies = copying(rollout)
    if copies is None:
        return _ended(evidence, rollout, now)
    if evidence.shadow is None or not evidence.shadow.open:
        evidence = _begun(evidence, rollout, now)
    found = seen.mirrored.get(rollout.candidate)
    if evidence.shadow is None or found is None or not seen.router_up:
        return evidence
    shadow = _grown(evidence.shadow, found, copies)
    return evidence if shadow == evidence.shadow else replace(evidence, shadow=shadow)


def judged_by(evidence: Evidence, rollout: Rollout, seen: Seen) -> Seen:
    """What the judge is to look at: in a shadow step the pairs, as if they were what both sides' users met."""
    if copying(rollout) is None or evidence.shadow is None:
        return seen
    total = evidence.shadow.total
    counts = {rollout.candidate: Counts(total.pairs, total.failures, 0, total.slow)}
    if rollout.live is not None:
        counts[rollout.live] = Counts(total.pairs, total.live_failures, 0, total.live_slow)
    return replace(seen, counts=counts, latency={})


def told(verdict: Verdict, evidence: Evidence, rollout: Rollout) -> Verdict:
    """The verdict in words of copies, and with what the limit on other answers says."""
    copies, shadow = copying(rollout), evidence.shadow
    if copies is None or shadow is None:
        return verdict
    alpha, summary = rollout.placement.evidence.alpha, summed_up(shadow.total)
    if verdict.outcome == "fail":
        return replace(verdict, sentence=f"{in_copies(verdict.sentence)}{_also(shadow.total)}")
    if copies.differs is not None and _beyond(copies.differs, shadow, alpha):
        beyond = _limited(shadow.total, copies.differs)
        return replace(verdict, outcome="fail", code="differs", sentence=beyond)
    return replace(verdict, outcome="unsure", sentence=summary, proven_bp=0)


def in_copies(sentence: str) -> str:
    """The judge's sentence, where what it looked at were copies."""
    return sentence.replace("candidate requests", "copies for the candidate")


def lacking(rollout: Rollout, evidence: Evidence | None) -> str:
    """Why a shadow step can't be left however much time is over, in one clause; empty: it can, or it is none."""
    copies = copying(rollout)
    if copies is None:
        return ""
    total = evidence.shadow.total if evidence is not None and evidence.shadow is not None else Mirrored()
    if not total.pairs:
        return _none(total)
    if copies.differs is not None and total.differing > copies.differs * total.pairs:
        return _limited(total, copies.differs)
    return ""


def beside(rollout: Rollout, evidence: Evidence | None) -> str:
    """What copies have shown so far, as the end of a sentence; empty: none are sent."""
    if copying(rollout) is None or evidence is None or evidence.shadow is None:
        return ""
    return f"; {summed_up(evidence.shadow.total)}"


def summed_up(total: Mirrored) -> str:
    """`412 copies: 3 answered otherwise (0.7 %)`, and what else there is to say of them."""
    if not total.pairs:
        return _none(total)
    said = f"{plural(total.pairs, 'copy', 'copies')}: {_otherwise(total)}"
    more = [
        f"{number:,} {what}"
        for number, what in (
            (total.failures, f"failed (live: {total.live_failures:,})"),
            (total.slow, f"slow (live: {total.live_slow:,})"),
            (total.dropped, "more not sent, there were too many at a time"),
        )
        if number
    ]
    return ", ".join([said, *more])


def _beyond(limit: float, shadow: Shadowed, alpha: float) -> bool:
    """A single other answer is one too many if none may be; a rate has to be shown."""
    if not limit:
        return shadow.total.differing > 0
    if not shadow.bets or not alpha:
        return False
    return betting.log_money(betting.limit_bets(limit), shadow.bets) >= -math.log(alpha)


def _limited(total: Mirrored, limit: float) -> str:
    return f"{_part(total)}, with a limit of {percent_of(limit)}"


def _also(total: Mirrored) -> str:
    return f"; {_part(total)}" if total.differing else ""


def _part(total: Mirrored) -> str:
    rate = percent_of(total.differing / total.pairs)
    return f"{total.differing:,} of {plural(total.pairs, 'copy', 'copies')} answered otherwise ({rate})"


def _otherwise(total: Mirrored) -> str:
    return (
        f"{total.differing:,} answered otherwise ({percent_of(total.differing / total.pairs)})"
        if total.differing
        else "none answered otherwise"
    )


def _none(total: Mirrored) -> str:
    """Nothing passes without a pair."""
    if total.asked:
        return f"nothing is compared yet: of {plural(total.asked, 'copy', 'copies')} none has met an answer of live"
    if total.dropped:
        return f"nothing is compared yet: {plural(total.dropped, 'request')} could not be copied"
    return "nothing is compared yet: no request has been copied"


def _begun(evidence: Evidence, rollout: Rollout, now: float) -> Evidence:
    """Pairs count from zero; what was counted of users is put aside."""
    users = {group: counts for group, counts in evidence.last.items() if group == rollout.candidate}
    none = {group: Counts() for group in (rollout.candidate, rollout.live) if group is not None}
    return replace(_apart(evidence, now), last=none, shadow=Shadowed(open=True, users=users))


def _ended(evidence: Evidence, rollout: Rollout, now: float) -> Evidence:
    """From here on it is users again. What copies have proven is not about them."""
    shadow = evidence.shadow
    if shadow is None or not shadow.open or rollout.phase == "rolling_back":
        return evidence
    return replace(_apart(evidence, now), last=shadow.users, shadow=replace(shadow, open=False, users={}))


def _apart(evidence: Evidence, now: float) -> Evidence:
    """With nothing compared yet. The bets on harm go on, and crashes are crashes."""
    return replace(
        evidence,
        candidate=Arm(crashes=evidence.candidate.crashes),
        live=Arm(crashes=evidence.live.crashes),
        cold=None,
        opened=now,
        live_at=now,
        live_seen=0,
        marks=(),
        proof={},
        tails={},
        meters=None,
        split=None,
    )


def _grown(shadow: Shadowed, found: Mirrored, copies: Copies) -> Shadowed:
    new = _since(shadow.last, found)
    bets = shadow.bets
    if copies.differs is not None and new.pairs:
        limits = betting.limit_bets(copies.differs)
        stakes = bets if len(bets) == len(limits) else (betting.FRESH,) * len(limits)
        differing = min(new.differing, new.pairs)
        bets = betting.play(limits, stakes, betting.Block(new.pairs, differing, 0, 0, 0.0, 0.0))
    return replace(shadow, last=found, total=_plus(shadow.total, new), bets=bets)


def _since(last: Mirrored, found: Mirrored) -> Mirrored:
    """What is new. A smaller number than before means that the router began anew: then all it counted is new."""
    new = Mirrored(*(getattr(found, name) - getattr(last, name) for name in Mirrored.__struct_fields__))
    return found if min(int(getattr(new, name)) for name in Mirrored.__struct_fields__) < 0 else new


def _plus(one: Mirrored, other: Mirrored) -> Mirrored:
    return Mirrored(*(getattr(one, name) + getattr(other, name) for name in Mirrored.__struct_fields__))
