"""The example that every document of ours shows, and what it means."""

from tests.spec.drivers import DRIVERS

from plainsail.domain.criteria import LatencyCriteria
from plainsail.domain.driver import Driver
from plainsail.domain.service import Probe, Stop
from plainsail.domain.strategy import Canary, Pace
from plainsail.spec.decode import decode

EXAMPLE = """\
schema: 1
environments:
  staging:
    router: {haproxy: {listen: 127.0.0.1:8080}}
  production:
    after: staging                            # the chain a release walks
    provider: {process: {}}                   # the default
    router: {haproxy: {listen: 127.0.0.1:8081}}
    gates: []
services:
  shop:
    run:                                      # one instance
      command: [bin/serve, --port, "{port}"]  # run in the release's directory
      env: {LOG_LEVEL: info}
      ready: {http: /healthz, within: 30s}    # or {tcp: true}, or {command: [...]}
      stop: {drain: 10s, grace: 10s}
    in:
      staging: {replicas: 1}
      production:
        replicas: 4
        hosts: [shop.example]                 # absent: every host
        env: {LOG_LEVEL: warning}
        strategy: [{canary: {steps: [1%, 10%, 50%]}}]     # 100 % follows; a list, so strategies can be chained
        pace: {until: proven, dwell: 10s, deadline: 30m, on_unsure: hold}
        evidence:
          errors: {margin: 0.5%, max: 5%}     # at most half a point more failures than live, never more than 5 %
          latency: {bound: 300ms, margin: 1%} # at most one point more requests slower than 300 ms
        shield: {methods: [GET, HEAD, OPTIONS], budget: 20%}
"""


def test_the_example_means_what_it_says() -> None:
    document = decode(EXAMPLE, "plainsail.yaml", DRIVERS)

    staging, production = document.environments["staging"], document.environments["production"]
    assert staging.router == Driver("haproxy", {"listen": "127.0.0.1:8080"})
    assert staging.provider == production.provider == Driver("process")
    assert (staging.after, production.after) == (None, "staging")

    shop = document.services["shop"]
    assert shop.run.command == ("bin/serve", "--port", "{port}")
    assert shop.run.env == {"LOG_LEVEL": "info"}
    assert shop.run.ready == Probe(http="/healthz", within=30.0)
    assert shop.run.stop == Stop(drain=10.0, grace=10.0)

    placed = shop.placements["production"]
    assert (placed.replicas, placed.hosts, placed.env) == (4, ("shop.example",), {"LOG_LEVEL": "warning"})
    assert placed.strategy == (Canary((100, 1000, 5000)),)
    assert placed.pace == Pace("proven", dwell=10.0, deadline=1800.0, on_unsure="hold")
    assert (placed.evidence.errors.margin, placed.evidence.errors.max) == (0.005, 0.05)
    assert placed.evidence.latency == LatencyCriteria(bound=0.3, margin=0.01)
    assert (placed.shield.methods, placed.shield.budget) == (("GET", "HEAD", "OPTIONS"), 0.2)


def test_only_a_command_and_an_environment_are_needed() -> None:
    text = "schema: 1\nservices: {shop: {run: {command: [serve]}, in: {production: {}}}}\n"
    shop = decode(text, "plainsail.yaml", DRIVERS).services["shop"]
    assert shop.run.ready == Probe(tcp=True)
    assert shop.placements["production"].replicas == 1
