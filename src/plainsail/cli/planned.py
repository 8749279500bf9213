"""The steps that a rollout would take, as `plainsail deploy --plan` shows them."""

from __future__ import annotations

import msgspec
from rich.text import Text

from plainsail.cli.exits import DONE
from plainsail.cli.screen import Json, out, plain, print_json, release_name
from plainsail.domain.match import Match
from plainsail.domain.mirroring import twice
from plainsail.domain.strategy import Copies
from plainsail.domain.units import percent

NARROWEST = 10
"""Columns for the name of a step, so that short plans look alike."""
OVER = {"after": "has succeeded", "failure": "was taken back or has failed"}


def show(plan: Json, as_json: bool) -> int:
    if as_json:
        print_json(plan)
        return DONE
    console = out()
    before = f" from {plain(plan['live'])}" if plan["live"] else ", the first release there"
    what = f"{before} to {release_name(plan['version'], plan['release'])}"
    if plan["reconfigures"]:
        what = f", {release_name(plan['version'], plan['release'])} with its new configuration"
    console.print(f"{plan['service']} in {plan['environment']}{what}, {plan['strategy']}:")
    steps = plan["steps"]
    digits = len(str(len(steps)))
    widest = max([NARROWEST, *(len(step["name"]) for step in steps)])
    for number, step in enumerate(called(plan), 1):
        sizes = ", ".join(f"{count} {role}" for role, count in step["instances"].items())
        share = f"{percent(step['share_bp']):>7} of users"
        console.print(Text(f"  {number:>{digits}}. {step['name']:<{widest}}{share}  {sizes}"))
        if kept := step["shares"].get("warm"):
            console.print(Text(f"  {'':{digits}}  and {percent(kept)} keep what it supersedes"))
        for one in step["inside"]:
            console.print(Text(f"  {'':{digits}}  and insiders: {whom(one['match'])}"), soft_wrap=True)
        if step["copies"]:
            console.print(Text(f"  {'':{digits}}  and {copied(step['copies'])}"), soft_wrap=True)
            if said := twice(step["copies"]["methods"]):
                console.print(
                    Text(f"  {'':{digits}}  warning: {plain(said)}", style="yellow"), soft_wrap=True
                )
        console.print(Text(f"  {'':{digits}}  left {step['leave']}", style="dim"), soft_wrap=True)
    for moment, hooks in plan["hooks"].items():
        console.print(Text(f"  when it {OVER[moment]}: {plain(', '.join(hooks))} is told", style="dim"))
    if plan["harm"]:
        console.print(Text(f"  harm: {plan['harm']}", style="dim"))
    console.print("Nothing was started; leave --plan out to start it")
    return DONE


def called(plan: Json) -> list[Json]:
    """The steps; those of a test with its variants by name, and with the users that they have together."""
    if not plan["then"]:
        return list(plan["steps"])
    test = next(number for number, step in enumerate(plan["steps"]) if step["name"] == "test")
    winner = {"candidate": "winner"}
    return [
        _named(step, plan["variants"] if number <= test else winner, plan["then"])
        for number, step in enumerate(plan["steps"])
    ]


def _named(step: Json, names: dict[str, str], then: str) -> Json:
    left = step["leave"]
    for role, name in names.items():
        left = left.replace(f"every {role} instance", f"every instance of {plain(name)}")
    if step["name"] == "test" and then == "ask":
        left += "; a person is asked before a winner has all users"
    sizes = {plain(names.get(role, role)): count for role, count in step["instances"].items()}
    share = sum(part for role, part in step["shares"].items() if role in names) if names else step["share_bp"]
    return {**step, "instances": sizes, "share_bp": share, "leave": left}


def copied(copies: Json) -> str:
    """Which requests are: `copies of all GET and HEAD requests, ...`."""
    return plain(msgspec.convert(copies, Copies).told())


def whom(match: Json) -> str:
    """Who insiders are: `who asks for www-dark.shop.example, and who comes from 10.0.0.0/8`."""
    return plain(msgspec.convert(match, Match).told())
