from plainsail.testing.conformance.bench import SiteBench


class RouterBench(SiteBench):
    kind = "router"
