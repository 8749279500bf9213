"""All commands before any is loaded: what the list shows, where each is, how it may end. Nothing is imported for it."""

from __future__ import annotations

from typing import NamedTuple

from plainsail.cli.exits import (
    ABORTED,
    FAILED,
    GATED,
    NOT_FOUND,
    REFUSED,
    ROLLED_BACK,
    SUPERSEDED,
    TIMED_OUT,
    UNREACHABLE,
)

ABOUT = "Progressive delivery: release step by step, judge by evidence, roll back by itself."

BEGIN, SHIP, STEER, LOOK, ASSIST = "Begin", "Ship", "Steer", "Look", "Help"
GROUPS = (BEGIN, SHIP, STEER, LOOK, ASSIST)

ASKS = (NOT_FOUND, REFUSED, UNREACHABLE)
"""How a command may end that asks the control plane: nothing of that name, no permission, nobody there."""
ENDS = (ROLLED_BACK, ABORTED, TIMED_OUT, GATED, SUPERSEDED, FAILED)
"""How waiting for a rollout may end, besides well."""


class Command(NamedTuple):
    """A command before it is loaded. `exits`: the codes besides 0, 1 and 2, which each can give."""

    name: str
    path: str
    group: str
    about: str
    exits: tuple[int, ...] = ()
    see: tuple[str, ...] = ()


COMMANDS = (
    Command("init", "plainsail.local.init:init", BEGIN, "Write a first plainsail.yaml for this directory.",
            see=("check", "up", "schema")),
    Command("up", "plainsail.local.up:up", BEGIN, "Run the control plane in the foreground.",
            see=("down", "status", "doctor")),
    Command("down", "plainsail.local.down:down", BEGIN, "Stop every instance and router of a data directory.",
            (NOT_FOUND,), ("up",)),
    Command("demo", "plainsail.local.demo:demo", BEGIN, "Play the main job on this machine, end to end.",
            see=("init", "up")),
    Command("simulate", "plainsail.local.simulate.command:simulate", BEGIN,
            "Play a rollout on a simulated world, before it is real.", (NOT_FOUND,), ("check", "deploy")),
    Command("check", "plainsail.local.check:check", SHIP, "Say everything that is wrong with a plainsail.yaml.",
            (NOT_FOUND,), ("schema", "diff", "apply")),
    Command("diff", "plainsail.cli.spec:diff", SHIP, "Show what apply would change.", ASKS, ("apply", "check")),
    Command("apply", "plainsail.cli.spec:apply", SHIP, "Register or update environments and services.", ASKS,
            ("diff", "check", "deploy")),
    Command("deploy", "plainsail.cli.deploy:deploy", SHIP, "Bring a version of a service to its users.",
            (*ASKS, *ENDS), ("status", "watch", "abort", "verdict")),
    Command("pause", "plainsail.cli.steer:pause", STEER, "Hold a rollout where it is.", ASKS, ("resume", "abort")),
    Command("resume", "plainsail.cli.steer:resume", STEER, "Let a paused rollout go on.", ASKS, ("pause",)),
    Command("advance", "plainsail.cli.steer:advance", STEER, "Take the next step now, whatever the evidence lacks.",
            ASKS, ("verdict", "pause")),
    Command("approve", "plainsail.cli.approve:approve", STEER, "Say yes to a step that asks a person.", ASKS,
            ("reject", "status")),
    Command("reject", "plainsail.cli.approve:reject", STEER, "Say no to it: the rollout is taken back.", ASKS,
            ("approve", "abort")),
    Command("abort", "plainsail.cli.steer:abort", STEER, "Take a rollout back, or all of them.", ASKS,
            ("rollback", "pause")),
    Command("rollback", "plainsail.cli.steer:rollback", STEER, "Go back to the last good release, at once.",
            (*ASKS, ROLLED_BACK, TIMED_OUT, GATED, SUPERSEDED, FAILED), ("abort", "history")),
    Command("scale", "plainsail.cli.upkeep:scale", STEER, "Run more instances of what is live, or fewer.",
            (*ASKS, *ENDS), ("restart", "status")),
    Command("restart", "plainsail.cli.upkeep:restart", STEER, "Replace every instance by a new one.",
            (*ASKS, *ENDS), ("scale", "output")),
    Command("remove", "plainsail.cli.upkeep:remove", STEER, "Take a service away from an environment.",
            (*ASKS, *ENDS), ("apply", "history")),
    Command("status", "plainsail.cli.status:status", LOOK, "What runs where, which share of users it has, and why.",
            ASKS, ("watch", "history", "verdict")),
    Command("open", "plainsail.cli.page:open_page", LOOK, "The page in a browser, signed in.", ASKS, ("status", "up")),
    Command("watch", "plainsail.cli.watch:watch", LOOK, "Follow what happens.", ASKS, ("status", "output")),
    Command("output", "plainsail.cli.output:output", LOOK, "The instances' own output.", ASKS, ("status", "watch")),
    Command("history", "plainsail.cli.history:history", LOOK, "Every release, rollout and outcome.", ASKS,
            ("verdict", "status")),
    Command("verdict", "plainsail.cli.verdict:verdict", LOOK, "Why it was decided so, with the numbers.", ASKS,
            ("history", "status")),
    Command("doctor", "plainsail.local.doctor.command:doctor", ASSIST, "What works here and what is missing.",
            see=("up", "status")),
    Command("schema", "plainsail.local.schema:schema", ASSIST, "The JSON Schema of plainsail.yaml, for editors.",
            see=("init", "check")),
    Command("completion", "plainsail.cli.completion:completion", ASSIST, "Complete commands with Tab: bash, zsh, fish.",
            see=("help",)),
    Command("help", "plainsail.cli.help:help", ASSIST, "All about one command, or a topic.", (NOT_FOUND,)),
)  # fmt: skip
NAMES = tuple(command.name for command in COMMANDS)
