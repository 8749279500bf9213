"""The suites over all registered drivers, and over those that only tests use."""

import os
import shutil

import pytest

pytest.register_assert_rewrite("plainsail.testing.conformance")

from tests.conformance.simulated import SUBJECTS as SIMULATED  # noqa: E402

from plainsail.drivers.metrics.prometheus import Prometheus  # noqa: E402
from plainsail.drivers.routers.haproxy import HAProxy  # noqa: E402
from plainsail.testing.conformance import plugin  # noqa: E402
from plainsail.testing.conformance.metrics.series import VictoriaMetricsBench  # noqa: E402
from plainsail.testing.conformance.plugin import (  # noqa: E402
    bench,
    pytest_collection_modifyitems,
    pytest_generate_tests,
)
from plainsail.testing.conformance.router.bench import RouterBench  # noqa: E402

__all__ = ["bench", "pytest_collection_modifyitems", "pytest_generate_tests"]


class SystemHAProxy(RouterBench):
    """The HAProxy of the machine, the other end of what we support; `.ci/run` installs it."""

    registered = False

    def config(self) -> dict[str, object]:
        return {**super().config(), "binary": shutil.which("haproxy") or "/usr/sbin/haproxy"}


plugin.ALSO.extend(SIMULATED)
plugin.ALSO.append(plugin.Subject("victoria-metrics", Prometheus, VictoriaMetricsBench))
if shutil.which("haproxy") or os.environ.get("CI"):  # CI leaves nothing out: without it the tests fail
    plugin.ALSO.append(plugin.Subject("haproxy-of-the-system", HAProxy, SystemHAProxy))
