"""How people say what goes wrong around a rollout: `router-away@30s+10s`, `control-plane-killed@30s`, ..."""

from __future__ import annotations

from typing import Literal

import msgspec

from plainsail.domain.units import seconds
from plainsail.local.simulate.wrong import Wrong, meant
from plainsail.ports.errors import Rejected
from plainsail.spec.diagnostics import did_you_mean, listed, shown
from plainsail.spec.scalars import Unreadable, duration

Cause = Literal[
    "router-away", "control-plane-killed", "store-slow", "clock-jump", "check-refused", "check-silent"
]

DOWN = 1.0
"""Seconds until a killed control plane is there again: what `plainsail up` takes to start."""
DELAY = 1.0
"""Seconds that each call of a slow store takes: a disk that another process keeps busy."""
LONGEST_DELAY = 60.0
MOST = 100


class Fault(msgspec.Struct, frozen=True):
    """Something of the world that fails. Times are seconds since the deploy."""

    text: str
    """As it was written."""
    cause: Cause
    at: float
    lasts: float = 0.0
    """Seconds; of a jump of the clock, and of checks, 0: for good."""
    amount: float = 0.0
    """Seconds: what each call of the store takes, how far the clock jumps."""

    def told(self) -> str:
        """In one clause."""
        match self.cause:
            case "router-away":
                return f"the router does not answer for {seconds(self.lasts)}; users are served as it was told before"
            case "control-plane-killed":
                return f"the control plane is killed, and there again after {seconds(self.lasts)}"
            case "store-slow":
                return f"each call of the store takes {seconds(self.amount)}, for {seconds(self.lasts)}"
            case "check-refused":
                return f"checks say no-go{f' for {seconds(self.lasts)}' if self.lasts else ''}"
            case "check-silent":
                return f"checks do not answer{f' for {seconds(self.lasts)}' if self.lasts else ''}"
            case "clock-jump":
                way = "back" if self.amount < 0 else "forth"
                back = f", for {seconds(self.lasts)}" if self.lasts else ""
                return f"the machine's clock jumps {seconds(abs(self.amount))} {way}{back}; a control plane reads it when it starts"


class Form(msgspec.Struct, frozen=True):
    """How a kind of fault is written."""

    example: str
    valued: Literal["no", "may", "must"] = "no"
    lasting: Literal["may", "must"] = "may"
    lasts: float = 0.0
    amount: float = 0.0


FORMS: dict[Cause, Form] = {
    "router-away": Form("router-away@30s+10s", lasting="must"),
    "control-plane-killed": Form("control-plane-killed@30s", lasts=DOWN),
    "store-slow": Form("store-slow@30s+10s", valued="may", lasting="must", amount=DELAY),
    "clock-jump": Form("clock-jump:-1h@30s", valued="must"),
    "check-refused": Form("check-refused@30s"),
    "check-silent": Form("check-silent@30s+10s"),
}
EXAMPLES = tuple(form.example for form in FORMS.values())


def read_faults(texts: tuple[str, ...]) -> tuple[Fault, ...]:
    """In the order of time. Raises Rejected (`fault_unreadable`), which says where and what to write instead."""
    if len(texts) > MOST:
        raise Rejected(
            "fault_unreadable", f"--fault was given {len(texts)} times", f"name {MOST} faults at most"
        )
    return tuple(sorted((read_fault(text) for text in texts), key=lambda fault: fault.at))


def read_fault(text: str) -> Fault:
    """One of them."""
    try:
        return _read(text)
    except Wrong as wrong:
        raise Rejected("fault_unreadable", wrong.where("--fault"), meant(text, _read) or wrong.hint) from None


def _read(text: str) -> Fault:
    what, at, when = text.partition("@")
    name, colon, value = what.partition(":")
    cause: Cause | None = next((one for one in FORMS if one == name), None)
    if cause is None:
        raise Wrong(
            0,
            f"there is no fault {shown(name)}",
            did_you_mean(name, FORMS) or f"write {listed(EXAMPLES, 'or')}",
        )
    form = FORMS[cause]
    like = f"write one such as {form.example}"
    if colon and form.valued == "no":
        raise Wrong(len(name), f"{name} takes nothing after it", like)
    if form.valued == "must" and not value:
        raise Wrong(len(what), f"{name} needs to know how far", like)
    amount = _amount(name, value, like) if colon else form.amount
    if not at:
        raise Wrong(len(text), f"{name} needs a moment", like)
    begins, plus, lasts = when.partition("+")
    since = _seconds(begins, len(what) + 1, f"the moment of {name}", like)
    if not plus:
        if form.lasting == "must":
            raise Wrong(len(text), f"{name} needs to know for how long", like)
        return Fault(text, cause, since, form.lasts, amount)
    there = len(what) + 1 + len(begins) + 1
    return Fault(text, cause, since, _seconds(lasts, there, f"the time of {name}", like), amount)


def _amount(name: str, value: str, like: str) -> float:
    at = len(name) + 1
    sign, digits = (-1.0, value[1:]) if value.startswith("-") else (1.0, value.removeprefix("+"))
    found = sign * _seconds(digits, at, f"the value of {name}", like)
    if not found:
        raise Wrong(at, f"the value of {name} is {shown(value)}, which is nothing", like)
    if name == "store-slow" and not 0.0 < found <= LONGEST_DELAY:
        raise Wrong(
            at, f"the value of {name} is {shown(value)}, not a time up to {seconds(LONGEST_DELAY)}", like
        )
    return found


def _seconds(text: str, at: int, what: str, like: str) -> float:
    try:
        return duration(text)
    except Unreadable as wrong:
        raise Wrong(at, f"{what} {wrong.problem}", like) from None
