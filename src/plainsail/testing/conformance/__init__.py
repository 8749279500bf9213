"""The ports' promises as tests, for every driver that is installed. One folder a port.

    python -m plainsail.testing.conformance                    all drivers that are registered
    python -m plainsail.testing.conformance provider           those of a kind
    python -m plainsail.testing.conformance provider process   this one

A driver's author writes no test. What a suite has to know besides the port (a configuration to try it with, where users
come in) is in the kind's `Bench`, whose defaults fit a driver that keeps the conventions written there. One that does
not registers a subclass as entry point `KIND.NAME` of the group `plainsail.conformance`.

Needs the packages of `pip install 'plainsail[testing]'`; nothing else of plainsail imports this.
"""
