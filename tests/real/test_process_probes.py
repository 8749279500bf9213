"""Probes of real instances: who is ready, who is not any more, who is replaced."""

import os
import signal

import pytest
from msgspec.structs import replace
from tests.real.provider_site import (
    Place,
    eventually,
    fleet,
    order,
    place,
    ready,
    script_run,
    seen,
    shop_run,
    story,
    until,
)

from plainsail.domain.service import Probe, Stop

__all__ = ["place"]


@story
async def test_a_release_that_is_never_ready_is_ended_and_counted(place: Place) -> None:
    run = shop_run(ready=Probe(http="/healthz", within=5))
    async with place.running() as provider:
        await provider.apply(fleet(order(place.shop(never_ready=True), 1, run)), 1)
        first = (await seen(provider)).instances[0].id
        group = await until(provider, lambda group: group.timed_out == 1)
        assert group.failed_starts == 1
        assert group.trouble == "not ready within 5 s (GET /healthz: answered 503)"
        await eventually(lambda: first not in place.processes())
        assert (await seen(provider)).failed_starts == (await seen(provider)).timed_out
        await provider.end()


@pytest.mark.parametrize("kind", ["http", "tcp", "command"])
@story
async def test_readiness_comes_and_goes(place: Place, kind: str) -> None:
    """A server that stops listening for a while when it gets a signal, with the same made visible to a command."""
    release = place.release({"serve.py": FLAPPING, "bin/check": "#!/bin/sh\ntest -e $TMPDIR/up\n"})
    kinds = {"http": Probe(http="/"), "tcp": Probe(tcp=True), "command": Probe(command=("bin/check",))}
    probe = replace(kinds[kind], every=0.1, failures=2)
    async with place.running() as provider:
        await provider.apply(fleet(order(release, run=shop_run(ready=probe))), 1)
        group = await until(provider, ready(1))
        (pid,) = place.processes()[group.instances[0].id]
        os.kill(pid, signal.SIGUSR1)
        await until(provider, lambda group: [one.state for one in group.instances] == ["unready"])
        os.kill(pid, signal.SIGUSR2)
        group = await until(provider, ready(1))
        assert (group.crashes, group.failed_starts) == (0, 0)
        await provider.end()


FLAPPING = """
import os, pathlib, signal, socket, sys, threading
port, up = int(sys.argv[2]), pathlib.Path(os.environ["TMPDIR"], "up")
def serve():
    global server
    server = socket.create_server(("127.0.0.1", port))
    up.touch()
    def accept(server):
        try:
            while True:
                client, _ = server.accept()
                client.settimeout(1)
                try:
                    if client.recv(1000):
                        client.sendall(b"HTTP/1.1 302 Found\\r\\nContent-Length: 0\\r\\n\\r\\n")
                except OSError:
                    pass
                client.close()
        except OSError:
            pass
    threading.Thread(target=accept, args=(server,), daemon=True).start()
def close(*_):
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    up.unlink()
signal.signal(signal.SIGUSR1, close)
signal.signal(signal.SIGUSR2, lambda *_: serve())
serve()
while True:
    signal.pause()
"""


@story
async def test_a_failing_liveness_probe_replaces_the_instance(place: Place) -> None:
    run = shop_run(ready=Probe(tcp=True), live=Probe(http="/healthz", every=0.1, failures=3))
    async with place.running() as provider:
        await provider.apply(fleet(order(place.shop(unready_after=1.5), 1, run)), 1)
        first = (await until(provider, ready(1))).instances[0].id
        group = await until(provider, lambda group: group.crashes == 1)
        assert group.trouble == "failed 3 liveness probes in a row (GET /healthz: answered 503)"
        await until(provider, lambda group: all(one.id != first for one in group.instances))
        assert (await seen(provider)).failed_starts == 0
        await provider.end()


@story
async def test_a_probe_that_hangs_delays_no_other(place: Place) -> None:
    hanging = place.release({"serve.py": HANGING})
    slow = shop_run(ready=Probe(http="/", timeout=600, within=600), stop=Stop(drain=0, grace=1))
    async with place.running() as provider:
        await provider.apply(fleet(order(hanging, 4, slow, group="slow"), order(place.shop(), 2)), 1)
        await until(provider, ready(2))
        assert {one.state for one in (await seen(provider, "slow")).instances} == {"starting"}
        await provider.end()


HANGING = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[2])))
time.sleep(1000)
"""


@story
async def test_a_probe_command_that_hangs_is_ended_with_its_children(place: Place) -> None:
    release = place.release(
        {"bin/serve": "#!/bin/sh\nsleep 1000\n", "bin/check": "#!/bin/sh\nsleep 1002 &\nsleep 1003\n"}
    )
    run = script_run(ready=Probe(command=("bin/check",), timeout=0.2, within=1))
    async with place.running() as provider:
        await provider.apply(fleet(order(release, run=run)), 1)
        group = await until(provider, lambda group: group.timed_out == 1)
        assert group.trouble == "not ready within 1 s (command bin/check: no answer within 200 ms)"
        await provider.end()
    assert not place.processes()
