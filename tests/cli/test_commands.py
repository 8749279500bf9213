"""What commands print: one document with --json, and something a tired person can read without."""

from __future__ import annotations

import io
import json
import re
import select
import signal
from typing import IO

import pytest
from rich.console import Console
from tests.api.practice import SPEC, Plane, until
from tests.cli.terminal import Terminal

from plainsail.cli.screen import tell
from plainsail.domain.strategy import SIMPLE
from plainsail.domain.units import percent
from plainsail.testing.world import Behaviour

STATUS = "/services/shop/environments/production"


def test_the_status_document_is_the_apis(terminal: Terminal, plane: Plane) -> None:
    plane.live("1.0")
    said = terminal.use(plane)("status", "shop", "--env", "production", "--json")
    document, served = said.json(), plane.get(STATUS)
    document["observed_at"] = served["observed_at"] = 0
    document["groups"][0]["counts"] = served["groups"][0]["counts"] = None
    assert document == served
    assert terminal("status", "shop", "--json").json().keys() == document.keys()
    every = terminal("status", "--json").json()
    assert [one["service"] for one in every["services"]] == ["shop"]


def test_status_says_what_runs_and_why(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    assert "plainsail deploy shop DIRECTORY --to production" in use("status").out
    plane.live("1.0")
    plane.apply(SPEC.replace("dwell: 3s", "dwell: 9m"))
    rollout = plane.deploy(plane.release("1.1"))
    until(lambda: (plane.get(STATUS)["rollout"] or {}).get("reached_bp"))
    told = use("status", "shop").out
    assert "live       1.0  2 of 2 ready  90 %" in told
    assert "candidate  1.1  1 of 1 ready  10 %" in told
    assert "Rollout of 1.1: progressing for" in told
    assert rollout in told
    assert "watching until 9 min are over" in told
    for verb in ("pause", "advance", "abort"):
        assert f" plainsail {verb} shop --env production" in told
    assert max(map(len, told.splitlines())) <= 80
    assert "\x1b" not in told
    plane.post("/rollouts/shop/abort", reason="fire")
    plane.ended(rollout)
    assert "Rollout of 1.1: aborted" in use("status").out


def test_steering(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    plane.live("1.0")
    plane.apply(SPEC.replace("dwell: 3s", "dwell: 9m"))
    rollout = plane.deploy(plane.release("1.1"))
    until(lambda: (plane.get(STATUS)["rollout"] or {}).get("reached_bp"))
    assert f"Pausing rollout {rollout} of shop 1.1" in use("pause", "shop", "--reason", "lunch").out
    until(lambda: plane.get(STATUS)["rollout"]["phase"] == "paused")
    assert "steer: plainsail resume shop --env production" in use("status").out
    assert use("pause", rollout).code == 2
    assert use("resume", rollout, "--json").json()["id"] == rollout
    until(lambda: plane.get(STATUS)["rollout"]["phase"] == "progressing")
    assert use("advance", "shop", "-e", "production").code == 0
    until(lambda: plane.get(STATUS)["rollout"]["step"] == 2)
    assert f"Aborting shop 1.1 in production ({rollout})" in use("abort", "--all").out
    assert plane.ended(rollout)["phase"] == "aborted"
    assert "No rollout is under way" in use("abort", "--all").out
    assert use("abort", "--all", "--json").json() == {"rollouts": []}


def test_status_says_by_which_hosts_a_service_is_reached(terminal: Terminal, plane: Plane) -> None:
    """Several are behind one address, where nobody answers who asks for none of them."""
    many = ", ".join(f"h{number}.example" for number in range(9))
    services = "".join(
        f"  {name}: {{run: {{command: [serve]}}, in: {{staging: {{hosts: [{hosts}]}}}}}}\n"
        for name, hosts in (("blog", "blog.example, www.blog.example"), ("many", many))
    )
    plane.apply(f"schema: 1\nservices:\n{services}")
    told = terminal.use(plane)("status").out
    assert "blog in staging  http://127.0.0.1:8080 for blog.example, www.blog.example\n" in told
    assert "http://127.0.0.1:8080 for h0.example, h1.example and 7 more\n" in told
    assert "shop in production  http://127.0.0.1:8081\n" in told, "it has all hosts"


def test_status_offers_what_can_be_done(terminal: Terminal, plane: Plane) -> None:
    """Scaling waits for instances, and nothing of that can be passed over."""
    plane.ended(plane.deploy(plane.release("1.0", Behaviour(starts_in=30.0))))
    id = plane.post("/services/shop/environments/production/scale", replicas=3).json()["id"]
    until(lambda: plane.get(STATUS)["rollout"]["phase"] == "progressing")
    plane.post(f"/rollouts/{id}/pause")
    until(lambda: plane.get(STATUS)["rollout"]["phase"] == "paused")
    told = terminal.use(plane)("status", "shop").out
    assert "plainsail resume shop" in told
    assert "plainsail abort shop" in told
    assert "plainsail advance" not in told
    plane.post(f"/rollouts/{id}/abort")
    plane.ended(id)


def test_rollback(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    plane.live("1.0")
    plane.live("1.1")
    assert use("rollback", "shop", "--wait").code == 0
    assert [group["version"] for group in plane.get(STATUS)["groups"] if group["role"] == "live"] == ["1.0"]
    nowhere = use("rollback", "shop", "--to", "1.0")
    assert nowhere.code == 2
    again = "1.1 is in quarantine since it was rolled back; if that is meant: plainsail deploy shop 1.1 --to production --again"
    assert use("rollback", "shop", "--to", "1.1").err.strip() == again
    plane.apply(SPEC.replace("dwell: 3s", "dwell: 9m"))
    rollout = plane.deploy(plane.release("1.2"))
    until(lambda: (plane.get(STATUS)["rollout"] or {}).get("reached_bp"))
    told = use("rollback", "shop", "--reason", "fire").out
    assert f"Rollout {rollout} of 1.2 (" in told
    assert "is being taken back; all users go back to 1.0; follow it: plainsail watch shop" in told
    assert plane.ended(rollout)["phase"] == "aborted"
    rollout = plane.deploy(plane.release("1.3"))
    until(lambda: (plane.get(STATUS)["rollout"] or {}).get("reached_bp"))
    assert use("rollback", "shop", "--wait", "--reason", "fire").code == 0
    assert plane.get(f"/rollouts/{rollout}")["phase"] == "aborted"


def test_the_verdict_shows_both_sides(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    plane.live("1.0")
    assert "Nothing was judged" in use("verdict", "shop").out
    ended = plane.ended(plane.deploy(plane.release("1.1", Behaviour(errors=0.5))))
    told = use("verdict", "shop").out
    for arm in ("candidate", "live"):
        assert f"{ended['verdict'][arm]['requests']:,}" in told
    assert told.startswith("Rolled back after ")
    assert "allowed: at most 0.5 points more than live" in told
    document = use("verdict", ended["id"], "--json").json()
    assert document["verdict"]["outcome"] == "fail"
    assert document["evidence"]["candidate"] == document["verdict"]["candidate"]
    plane.apply(SPEC.replace("dwell: 3s", "dwell: 9m"))
    rollout = plane.deploy(plane.release("1.2"))
    until(lambda: plane.get(f"/rollouts/{rollout}")["verdict"])
    until(lambda: "Not sure yet after " in use("verdict", rollout).out)
    plane.post(f"/rollouts/{rollout}/abort")
    plane.ended(rollout)
    assert "; it was not sure yet: needed " in use("verdict", rollout).out


def test_history(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    assert "Nothing was deployed yet" in use("history").out
    plane.live("1.0")
    plane.ended(plane.deploy(plane.release("1.1", Behaviour(errors=0.5))))
    plane.release("1.2")
    told = use("history", "shop").out
    assert "shop production  1.1  canary: rolled back at 10 %" in told
    assert told.index("1.1  canary") < told.index("1.0  canary")
    assert "Releases without a rollout here:" in told
    plane.ended(plane.deploy("1.2"))
    assert "Releases without" not in use("history", "-n", "1").out, "what the cut list lacks had rollouts"
    document = use("history", "--json").json()
    assert [one["version"] for one in document["releases"]] == ["1.2", "1.1", "1.0"]
    assert {"spec_applied", "release_made", "rollout_started", "rollout_turned_back"} <= {
        one["kind"] for one in document["events"]
    }


@pytest.mark.parametrize("on_terminal", [True, False])
def test_a_sentence_is_wrapped_at_words_and_only_on_a_terminal(on_terminal: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=on_terminal, width=20, highlight=False)
    with console.capture() as shown:
        tell(console, "Rollout of 4.0 is being taken back")
    wrapped = "Rollout of 4.0 is\nbeing taken back\n"
    said = "\n".join(map(str.rstrip, shown.get().split("\n")))
    assert said == (wrapped if on_terminal else "Rollout of 4.0 is being taken back\n")


def test_apply_and_diff(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    file = terminal.directory / "plainsail.yaml"
    file.write_text(SPEC)
    assert use("diff").out == "Nothing changes\n"
    file.write_text(SPEC.replace("replicas: 2", "replicas: 3"))
    assert "    in.production.replicas: 2 -> 3" in use("diff", "plainsail.yaml").out
    assert plane.get("/spec")["services"]["shop"]["in"]["production"]["replicas"] == 2
    assert use("apply", "--json").json()["changes"][0]["name"] == "shop"
    assert plane.get("/spec")["services"]["shop"]["in"]["production"]["replicas"] == 3
    other = terminal.directory / "other.yaml"
    other.write_text("schema: 1\nenvironments: {test: {router: {haproxy: {listen: 127.0.0.1:8082}}}}\n")
    assert "+ environment test added" in use("apply", "plainsail.yaml", "other.yaml").out
    other.write_bytes(b"schema: 1 # \xff\n")
    assert "not UTF-8 at byte 12" in use("apply", "other.yaml").err


def test_a_plan_starts_nothing(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    plane.live("1.0")
    tree = str(terminal.tree("v2"))
    told = use("deploy", "shop", tree, "--to", "production", "--plan", "--version", "1.1").out
    assert "shop in production from 1.0 to 1.1" in told
    assert "10 % of users" in told
    assert plane.get(STATUS)["rollout"] is None
    assert [one["version"] for one in plane.get("/history")["releases"]] == ["1.0"], "nothing was uploaded"
    plan = use(
        "deploy", "shop", "1.0", "--to", "production", "--plan", "--strategy", "blue-green", "--json"
    ).json()
    assert plan["strategy"] == "blue-green"


DARK = """strategy:
          - dark: {match: {hosts: [dark.example, www-dark.example], header: "X-Insider: yes", networks: [10.0.0.0/8]}}
          - canary: {steps: [10%, 50%]}
"""


def test_a_plan_says_who_has_what_at_each_step(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    plane.live("1.0")
    plane.apply(SPEC.replace("strategy: [{canary: {steps: [10%, 50%]}}]\n", DARK))
    plane.release("1.1")
    terminal.directory.joinpath("plainsail.yaml").write_text(SPEC)
    assert (
        '[{"dark": {"match": {"hosts": ["dark.example", "www-dark.example"], "header": "X-Insider: yes", '
        '"networks": ["10.0.0.0/8"]}}}, {"canary": {"steps": ["10%", "50%"]}}] -> [{"canary": {"steps": ["10%", "50%"]}}]'
    ) in use("diff", "plainsail.yaml").out
    told = " ".join(use("deploy", "shop", "1.1", "--to", "production", "--plan").out.split())
    assert "from 1.0 to 1.1" in told
    assert ", dark, canary:" in told
    assert (
        "2. dark 0 % of users 2 live, 1 candidate "
        "and insiders: who asks for dark.example or www-dark.example, and whose header is X-Insider: yes, "
        "and who comes from 10.0.0.0/8 left when a person says so (plainsail advance); not in 7 d: "
        "hold, and after 7 d roll back 3. 10 % 10 % of users 2 live, 1 candidate and insiders: who asks for dark.example"
    ) in told
    plan = use("deploy", "shop", "1.1", "--to", "production", "--plan", "--json").json()
    start, dark, first, second, whole, finish = plan["steps"]
    assert [step["name"] for step in plan["steps"]] == ["start", "dark", "10 %", "50 %", "100 %", "finish"]
    assert dark["instances"] == start["instances"] == {"live": 2, "candidate": 1}
    assert dark["shares"] == {"live": 10_000}
    assert [one["role"] for one in dark["inside"]] == ["candidate"]
    assert dark["inside"][0]["match"]["hosts"] == ["dark.example", "www-dark.example"]
    assert (first["inside"], first["shares"]) == (dark["inside"], {"candidate": 1000, "live": 9000})
    assert (second["share_bp"], whole["shares"]) == (5000, {"candidate": 10_000})
    assert finish["instances"] == {"live": 0, "candidate": 2}
    only = use("deploy", "shop", "1.1", "--to", "production", "--plan", "--strategy", "dark", "--json").json()
    assert [step["name"] for step in only["steps"]] == ["start", "dark", "100 %", "finish"], (
        "as the file has it"
    )


def test_a_strategy_that_can_not_be_asked_for_by_name_says_why(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    plane.live("1.0")

    def refusal(strategy: str) -> str:
        told = use("deploy", "shop", "1.0", "--to", "production", "--plan", "--strategy", strategy)
        assert told.code == 2
        return " ".join(told.err.split())

    assert "'dark' needs keys, and the service's file does not have it" in refusal("dark")
    assert "write 'strategy: {custom: ...}' there" in refusal("custom")
    assert "did you mean 'rolling'?" in refusal("roling")
    assert "nothing says what a user is known by" in refusal("incremental")
    for name in (one for one in SIMPLE if one != "incremental"):
        assert use("deploy", "shop", "1.0", "--to", "production", "--plan", "--strategy", name).code == 0


def test_a_release_is_uploaded_once_and_named_by_what_is_known(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    tree = str(terminal.tree("v1"))
    first = use(
        "deploy", "shop", tree, "--to", "production", "--label", "team=blue", "--commit", "c0ffee", "--json"
    )
    assert "Uploading" in first.err
    started = first.json()
    assert started["phase"] in ("pending", "progressing")
    assert started["release"].startswith(
        f"sha256:{started['version']}"
    )  # no git here, so its digits are its name
    release = plane.get(f"/releases/{started['release']}", service="shop")
    assert (release["commit"], release["labels"]) == ("c0ffee", {"team": "blue"})
    plane.ended(started["id"])
    second = use("deploy", "shop", tree, "--to", "production", "--version", "1.0", "--wait")
    assert "Uploading" not in second.err
    assert "it keeps that version" in second.err
    nothing = f"{started['version']} is live already; nothing to do\n"
    assert second.out == nothing
    assert use("deploy", "shop", tree, "--to", "production").out == nothing
    assert use("deploy", "shop", tree, "--to", "production", "--json").json()["reason_code"] == "no_change"


def test_a_plan_during_a_rollout_says_who_keeps_what_is_superseded(terminal: Terminal, plane: Plane) -> None:
    plane.live("1.0")
    plane.apply(SPEC.replace("dwell: 3s", "dwell: 9m"))
    plane.deploy(plane.release("1.1"))
    until(lambda: (plane.get(STATUS)["rollout"] or {}).get("reached_bp"))
    reached = plane.get(STATUS)["rollout"]["reached_bp"]
    ask = (
        "deploy",
        "shop",
        str(terminal.tree("v2")),
        "--to",
        "production",
        "--strategy",
        "blue-green",
        "--plan",
    )
    use = terminal.use(plane)
    start, switched, *_ = use(*ask, "--json").json()["steps"]
    assert start["shares"] == {"warm": reached, "live": 10_000 - reached}
    assert switched["shares"] == {"candidate": 10_000}
    assert f"and {percent(reached)} keep what it supersedes" in use(*ask).out


def test_a_deploy_over_a_rollout_says_what_it_supersedes(terminal: Terminal, plane: Plane) -> None:
    plane.live("1.0")
    plane.apply(SPEC.replace("dwell: 3s", "dwell: 9m"))
    rollout = plane.deploy(plane.release("1.1"))
    until(lambda: (plane.get(STATUS)["rollout"] or {}).get("reached_bp"))
    said = terminal.use(plane)("deploy", "shop", str(terminal.tree("v2")), "--to", "production")
    assert said.code == 0
    assert f"It supersedes rollout {rollout} of 1.1" in said.err
    assert "progressing at 10 %" in said.err


def test_output(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    assert use("output", "shop", "--lines", "2").out == "g1-1 | line 99\ng1-1 | line 100\n"
    plane.live("1.0")
    assert re.search(
        r"^g1-1: live 1\.0, ready since \d\d:\d\d:\d\d$", use("output", "shop").err, re.MULTILINE
    )
    assert len(use("output", "shop", "-n", "3", "--json").json()["lines"]) == 3


def test_a_service_in_several_environments_asks_which(terminal: Terminal, plane: Plane) -> None:
    plane.apply(SPEC.replace("    in:\n", "    in:\n      staging: {}\n"))
    use = terminal.use(plane)
    for command in (("output", "shop"), ("rollback", "shop")):
        said = use(*command)
        assert said.code == 2
        assert "--env" in said.err
    assert [one["environment"] for one in use("status", "shop", "--json").json()["services"][0]["environments"]] == [
        "staging", "production",
    ]  # fmt: skip
    assert (
        use("status", "--env", "staging", "--json").json()["services"][0]["environments"][0]["environment"]
        == "staging"
    )


@pytest.mark.parametrize("as_json", [False, True])
def test_watch_tells_events_as_they_come(terminal: Terminal, plane: Plane, as_json: bool) -> None:
    terminal.use(plane)
    process = terminal.start("watch", "shop", *(["--json"] if as_json else []))
    stdout = process.stdout
    assert stdout is not None
    try:
        # What happened before it looked is not told, so something happens until it does.
        until(lambda: plane.release(f"1.{len(plane.get('/history')['releases'])}") and _has_line(stdout))
        line = stdout.readline()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0
    if as_json:
        assert json.loads(line)["kind"] == "release_made"
    else:
        assert "shop  release made: 1." in line


def _has_line(stream: IO[str]) -> bool:
    return bool(select.select([stream], [], [], 0.2)[0])


def test_nobody_elses_text_moves_the_cursor(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    plane.ended(plane.deploy(plane.release("1.0\x1b[2J\x1b]0;owned\x07\r\n!")))
    for command in (("status",), ("history",)):
        told = use(*command).out
        assert "\x1b" not in told
        assert "\r" not in told
        assert "1.0  !" in told
