"""The peers' rules against cases worked out by hand, and against the figures noted from their sources."""

from __future__ import annotations

import random

import pytest
from bench.blast.cases import Case
from bench.blast.peers import argo, flagger, kayenta
from bench.blast.peers.ranks import interval, statistic
from bench.blast.peers.scrapes import Scrapes, Window
from bench.blast.traces import world

BROKEN = Case("broken", "errors", 1.0)
FINE = Case("fine", "none", good=True, base=0.0)


class TestArgo:
    def test_one_measurement(self) -> None:
        assert argo.measurement(1.0) == "Successful"
        assert argo.measurement(0.9, success=False) == "Failed"
        assert argo.measurement(0.9, failure=False) == "Successful"
        assert argo.measurement(0.9, success=False, failure=False) == "Inconclusive"
        assert argo.measurement(0.9, success=True, failure=True) == "Failed"
        assert argo.measurement(None) == "Error"

    def test_failures_add_up_and_errors_must_follow_each_other(self) -> None:
        failed: argo.Measured = "Failed"
        fine: argo.Measured = "Successful"
        error: argo.Measured = "Error"
        assert argo.assess([failed, fine, failed, fine, failed], 3) == "Running"
        assert argo.assess([failed, fine, failed, fine, failed, failed], 3) == "Failed"
        assert argo.assess([failed] * 9, -1) == "Running"
        assert argo.assess([error] * 4) == "Running"
        assert argo.assess([error] * 5) == "Error"
        assert argo.assess([error] * 4 + [fine] + [error] * 4) == "Running"
        assert argo.assess(["Inconclusive"]) == "Inconclusive"
        assert argo.assess([failed, "Inconclusive"]) == "Inconclusive"
        assert argo.assess([error, fine], count=1) == "Successful"

    def test_the_sample_takes_its_fourth_failure(self) -> None:
        """Noted: 15 to 20 minutes. The first measurement comes before two scrapes: an error, and again after 10 s."""
        end = argo.watch(argo.SAMPLE, world(BROKEN, 0), 3600.0)
        assert end.decided is not None
        assert 900.0 <= end.decided <= 940.0

    def test_without_an_interval_it_measures_once(self) -> None:
        late = Case("late", "errors", 1.0, onset=400.0)
        end = argo.watch(argo.DEFAULTS, world(late, 0), 3600.0)
        assert end.off is None
        assert end.proven == 300.0

    def test_nothing_to_measure_aborts_though_nothing_is_wrong(self) -> None:
        """Noted: five errors, 10 s apart, about 40 s."""
        nobody = Case("nobody", "none", good=True, traffic=1e-9)
        assert argo.watch(argo.TIGHT, world(nobody, 0), 3600.0).decided == 40.0


class TestFlagger:
    def test_a_check(self) -> None:
        assert flagger.check(Window(1000, 10, 10, 100.0))
        assert not flagger.check(Window(1000, 11, 0, 100.0))
        assert not flagger.check(Window(1000, 0, 11, 100.0))
        assert not flagger.check(None)

    def test_a_tick_rolls_back_for_what_the_one_before_saw(self) -> None:
        assert flagger.tick(0, 1, True) == (0, False)
        assert flagger.tick(0, 1, False) == (1, False)
        assert flagger.tick(1, 1, True) == (1, True)

    @pytest.mark.parametrize(
        ("setting", "off"), [(flagger.DEFAULTS, 120.0), (flagger.SAMPLE, 660.0), (flagger.FLOOR, 20.0)]
    )
    def test_how_long_it_takes(self, setting: flagger.Setting, off: float) -> None:
        """Noted: 60 to 120 s by default, 10 to 11 minutes with the sample."""
        assert flagger.watch(setting, world(BROKEN, 0), 3600.0).off == off

    def test_nothing_to_check_fails_a_check(self) -> None:
        nobody = Case("nobody", "none", good=True, traffic=1e-9)
        assert flagger.watch(flagger.FLOOR, world(nobody, 0), 3600.0).off == 20.0

    def test_a_good_one_stays(self) -> None:
        assert flagger.watch(flagger.SAMPLE, world(FINE, 0), 1200.0).off is None


class TestKayenta:
    def test_rank_statistic(self) -> None:
        """Ranks 4, 5, 6 of six: 15 - 6 - 4.5 = 4.5, less 0.5, over sqrt(9 / 12 * 7)."""
        assert statistic(0.0, [4.0, 5.0, 6.0], [1.0, 2.0, 3.0]) == pytest.approx(4.0 / (0.75 * 7) ** 0.5)

    def test_ties_narrow_it(self) -> None:
        """Ranks (1.5, 1.5), (3.5, 3.5): away 2, less 0.5; two pairs of ties take 12 / 12 from 5."""
        assert statistic(0.0, [2.0, 2.0], [1.0, 1.0]) == pytest.approx(1.5 / (4 / 12 * (5 - 1)) ** 0.5)

    def test_interval_of_a_clean_shift(self) -> None:
        theirs = [float(n) for n in range(50)]
        low, high, estimate = interval([value + 100.0 for value in theirs], theirs)
        assert low < 100.0 < high
        assert estimate == pytest.approx(100.0, abs=0.6)

    def test_classes(self) -> None:
        few, many = [1.0, 2.0, 3.0] * 10, [11.0, 12.0, 13.0] * 10
        assert kayenta.classify(few, many) == "High"
        assert kayenta.classify(many, few) == "Low"
        assert kayenta.classify(many, few, "increase") == "Pass"
        assert kayenta.classify(few, few[::-1]) == "Pass"
        assert kayenta.classify([], few) == "Nodata"
        assert kayenta.classify([0.0] * 5, [1.0] * 5) == "High"
        assert kayenta.classify([5.0], [7.0, 7.0]) == "High"

    def test_sparse_errors_are_mostly_missed(self) -> None:
        """Noted: errors in 5 % of 60 points against 25 %, flagged in 90 of 300, by noise of the root finder."""
        dice = random.Random(7)
        flagged = sum(
            kayenta.classify(_points(dice, 0.05), _points(dice, 0.25), "increase") == "High"
            for _ in range(60)
        )
        assert flagged < 40

    def test_it_depends_on_the_unit(self) -> None:
        """Noted: twice as much is found at 1e-4 and above, and never at 1e-5."""
        dice = random.Random(3)
        theirs = [dice.gauss(1.0, 0.1) for _ in range(60)]
        ours = [dice.gauss(2.0, 0.2) for _ in range(60)]
        found = [
            kayenta.classify([x * unit for x in theirs], [x * unit for x in ours]) for unit in (1.0, 1e-5)
        ]
        assert found == ["High", "Pass"]

    def test_scores(self) -> None:
        assert kayenta.score({"a": "Pass", "b": "High"}, critical=False) == 50.0
        assert kayenta.score({"a": "Pass", "b": "High"}, critical=True) == 0.0
        assert kayenta.score({"a": "Nodata", "b": "Pass"}, critical=False) == 0.0
        assert kayenta.score({"a": "Error", "b": "Error"}, critical=True) == 100.0, "all in error passes"

    def test_by_default_it_waits_for_the_end(self) -> None:
        one = world(BROKEN, 0)
        assert kayenta.watch(kayenta.DEFAULTS, one, 3600.0).decided == 3600.0
        assert kayenta.watch(kayenta.CRITICAL, one, 3600.0).decided == 300.0


def test_a_window_has_the_scrapes_within_it() -> None:
    scrapes = Scrapes(world(BROKEN, 0), 5.0)
    assert scrapes.rate(4.0, 60.0) is None, "one scrape at most"
    seen, last = scrapes.rate(100.0, 60.0), scrapes.irate(100.0, 60.0)
    assert seen is not None
    assert last is not None
    assert seen.requests == seen.failures
    assert seen.requests == pytest.approx(55 * 50, rel=0.1), "55 s between twelve scrapes, or thirteen"
    assert last.requests == pytest.approx(5 * 50, rel=0.25)
    assert scrapes.irate(100.0, 4.0) is None


def _points(dice: random.Random, part: float) -> list[float]:
    return [float(dice.random() < part) for _ in range(60)]
