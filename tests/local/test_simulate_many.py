"""Many runs: the same however many processes play them, and told as a distribution that is theirs."""

from __future__ import annotations

from msgspec.structs import replace

from plainsail.domain.service import Placement, Run
from plainsail.domain.strategy import Canary
from plainsail.local.simulate.behaviour import read_release
from plainsail.local.simulate.faults import read_faults
from plainsail.local.simulate.many import FEW, play_many
from plainsail.local.simulate.play import Setting
from plainsail.local.simulate.report import runs_document, runs_text
from plainsail.ports.store import Key

SETTING = Setting(
    Key("shop", "production"), Run(command=("bin/serve",)), Placement(replicas=2), (Canary((1000, 5000)),),
    read_release("errors:30%"), 100.0, faults=read_faults(("control-plane-killed@2s", "router-away@3s+2s")),
)  # fmt: skip
RUNS = FEW + 4


def test_the_number_of_processes_makes_no_difference() -> None:
    alone, three = (play_many(SETTING, 5, RUNS, workers) for workers in (1, 3))
    assert alone == three
    done: list[int] = []
    play_many(SETTING, 5, 2, told=done.append)
    assert done == [1, 2]
    assert [one.seed for one in alone] == list(range(5, 5 + RUNS))


def test_the_distribution_is_that_of_the_runs() -> None:
    runs = play_many(SETTING, 1, FEW)
    found = runs_document(runs)
    hurt, took = (sorted(each[name] for each in found["each"]) for name in ("users_hurt", "seconds"))
    for name, numbers in (("users_hurt", hurt), ("seconds", took)):
        assert found[name] == {"p10": numbers[0], "p50": numbers[3], "p90": numbers[7], "max": numbers[7]}
    assert sum(found["outcomes"].values()) == found["runs"] == FEW
    assert found["faults"] == ["control-plane-killed@2s", "router-away@3s+2s"]
    assert max(map(len, runs_text(runs, 80).splitlines())) <= 80


def test_what_never_came_and_what_stayed_is_counted() -> None:
    late = replace(
        SETTING, release=read_release("errors:30%@after=1h"), faults=read_faults(("store-slow@2h+1s",))
    )
    runs = play_many(late, 1, 2)
    assert runs_document(runs)["never_came"] == {"errors:30%@after=1h": 2, "store-slow@2h+1s": 2}
    said = runs_text(runs, 100)
    assert "errors:30%@after=1h never came in 2 of 2 runs: it was over before." in said
    assert "stayed" not in said
    mild = play_many(replace(SETTING, release=read_release("latency:+1%"), faults=()), 1, 2)
    assert runs_document(mild)["never_came"] == {}
    assert "than the live release stayed in 2 of 2 runs" in " ".join(runs_text(mild, 100).split())
