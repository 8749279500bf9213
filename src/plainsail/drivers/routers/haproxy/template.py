"""HAProxy's configuration file and map files as text, from what is kept of each service. Pure.

Whatever can change during a rollout is read from the service's map for each request (see `table`); what is written
here changes only by a reload. The servers are written too, so that a HAProxy that is started again knows them from
its first request on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from plainsail.domain.service import Sticky
from plainsail.domain.traffic import Traffic
from plainsail.drivers.routers.haproxy import mirror, rules
from plainsail.drivers.routers.haproxy.cli import ADMIN
from plainsail.drivers.routers.haproxy.config import Config
from plainsail.drivers.routers.haproxy.latency import FORMAT
from plainsail.drivers.routers.haproxy.table import HOME, SLOTS, Server, entries, servers

STRIDE = 6181
"""Coprime to 10,000: stepping by it walks through all buckets, each once in 10,000 requests, well spread."""
RATES = "10s"
"""Window of the rates that the shield's budget is reckoned with."""
GROUPS_KEPT = 200
"""Groups of one service whose counts are remembered; the one that was asked for longest ago gives way."""
CHECK = "check inter 1s fall 2 rise 1"
"""HAProxy tries to connect to each server by itself, so that a dead one goes out even without a control plane."""
HOSTS, HAND_ON = "hosts.map", "_hand_on"
"""The map from hosts to services; with that entry, a worker hands everything on to its successor."""
RELAY = "relay.sock"
"""Where the present worker takes what older ones hand on, with the users' addresses (PROXY protocol)."""
COUNTS = ("again", "started", "finished", "failed", "slow", "shielded")
"""Places in the counters' array; the first two have rates."""
NEWLINE = "\n"
YEAR = 31_536_000


class Kept(msgspec.Struct, frozen=True):
    """A service as it was last asked for."""

    traffic: Traffic
    epoch: int


def split_map(service: str) -> str:
    return f"split-{service}.map"


def map_files(kept: Mapping[str, Kept]) -> dict[str, str]:
    """Contents by file name."""
    files = {
        split_map(service): "".join(
            f"{key} {value}\n" for key, value in entries(one.traffic, one.epoch).items()
        )
        for service, one in kept.items()
    }
    hosts = ((host, service) for service, one in kept.items() for host in hosts_of(one.traffic))
    return {**files, HOSTS: "".join(f"{host} {service}\n" for host, service in hosts)}


def hosts_of(traffic: Traffic) -> tuple[str, ...]:
    """All that lead to the service, each once."""
    return tuple(dict.fromkeys((*(host.lower() for host in traffic.hosts), *rules.hosts(traffic.routes))))


def digest(
    config: Config, maxconn: int, log_port: int, kept: Mapping[str, Kept], copying: bool = True
) -> str:
    """Of everything that takes a reload to change: the text without servers, and the hosts."""
    known = {name: (one.traffic, dict[str, Server]()) for name, one in sorted(kept.items())}
    text = _text(config, maxconn, log_port, "", known, copying)
    text += mirror.script() * copying
    return hashlib.sha256((text + map_files(kept)[HOSTS]).encode()).hexdigest()[:16]


def render(
    config: Config, maxconn: int, log_port: int, kept: Mapping[str, Kept], copying: bool = True
) -> str:
    """The configuration file. `copying`: this HAProxy has Lua, and so can copy requests."""
    known = {name: (one.traffic, servers(one.traffic)) for name, one in sorted(kept.items())}
    identity = digest(config, maxconn, log_port, kept, copying)
    return _text(config, maxconn, log_port, identity, known, copying)


def _text(
    config: Config, maxconn: int, log_port: int, identity: str, known: Mapping[str, tuple[Traffic, Mapping[str, Server]]],
    copying: bool,
) -> str:  # fmt: skip
    lines = [
        *_global(config, maxconn, identity, known, copying),
        *_frontend(config, log_port, known),
        *(mirror.sections(config) if copying else ()),
        *(
            line
            for name, (traffic, its) in known.items()
            for line in _backend(name, traffic, its, config if copying else None)
        ),
    ]
    return "\n".join(lines) + "\n"


def _global(config: Config, maxconn: int, identity: str, services: Iterable[str], copying: bool) -> list[str]:
    counters = [
        f"    set-var proc.{kind}_{_variable(name)} int(0)" for name in services for kind in _counters()
    ]
    return f"""\
# Written by plainsail; changes by hand are overwritten.
global
    nbthread 1
    maxconn {maxconn}
    noreuseport
    stats socket unix@{ADMIN} mode 600 level admin expose-fd listeners
    stats timeout 30s
    hard-stop-after {_ms(config.linger)}
    set-var proc.identity str({identity})
    set-var proc.born date(0,us)
{NEWLINE.join(counters)}
{f"    lua-load {mirror.FILE}" if copying else ""}
defaults
    mode http
    timeout connect {_ms(config.connect)}
    timeout client {_ms(config.client)}
    timeout http-request {_ms(config.client)}
    timeout http-keep-alive {_ms(config.client)}
    timeout server {_ms(config.server)}
    timeout tunnel {_ms(config.tunnel)}
    timeout queue {_ms(config.queue)}
    timeout check 1s""".splitlines()


def _frontend(config: Config, log_port: int, known: Mapping[str, tuple[Traffic, object]]) -> list[str]:
    whole = next((name for name, (traffic, _) in known.items() if not traffic.hosts), "_nobody")
    host = f"req.hdr(host),host_only,lower,map_str({HOSTS})"
    return f"""\
frontend _users
    bind {config.listen}
    bind unix@{RELAY} accept-proxy mode 600
    option idle-close-on-response
    log 127.0.0.1:{log_port} len 512 format raw local0 info
    log-format "{FORMAT}"
    use_backend _successor if {{ str({HAND_ON}),map_str({HOSTS}) -m found }}
    use_backend %[{host}] if {{ {host} -m found }}
    default_backend {whole}
backend _successor
    server successor unix@{RELAY} send-proxy-v2
backend _nobody
    http-request return status 404 content-type text/plain string "No service answers for this host.\\n"
backend _waiting
    stick-table type string len 160 size 20k expire 10s store conn_cur""".splitlines()


def _backend(name: str, traffic: Traffic, its: Mapping[str, Server], copying: Config | None) -> list[str]:
    insiders = rules.lines(traffic.routes, split_map(name))
    ruled, outside = (" || ruled", " !ruled") if insiders else ("", "")
    lines = [
        f"backend {name}",
        *_in(f"""\
            balance roundrobin
            option forwardfor
            stick-table type string len 64 size {GROUPS_KEPT} expire 20d store gpt0,gpc({len(COUNTS)}),gpc_rate(2,{RATES})
            retries 2
            option redispatch 1
            retry-on conn-failure empty-response response-timeout 500 502 503 504
            http-error status 503 content-type text/plain string "No instance of {name} can be reached.\\n"
            {NEWLINE.join(insiders)}
            http-request return status 503 content-type text/plain string "Nothing of {name} is in service.\\n" unless {{ {_look(name, "str(state)")} -m str open }}{ruled}"""),
        *_choose_bucket(name, traffic.sticky, outside),
        *_choose_group(name, outside),
        *_count_request(name),
        *_copy(name, copying),
        *_shield(name, bool(insiders)),
        *_count_answer(traffic.sticky),
        "    use-server %[var(txn.srv)] if { var(txn.srv) -m found }",
    ]  # fmt: skip
    return lines + [
        f"    server {server} {one.address} weight {one.weight} {CHECK}"
        for server, one in sorted(its.items())
    ]


def _choose_bucket(name: str, sticky: Sticky | None, outside: str) -> list[str]:
    """txn.b: 0 to 9,999, from the user where there is one (as `domain.buckets`), else the next of the walk, which
    insiders (not `outside`) don't take part in."""
    walk = f"""\
        http-request set-var(proc.i_{_variable(name)}) var(proc.i_{_variable(name)}),add({STRIDE}),mod(10000)
        http-request set-var(txn.b) var(proc.i_{_variable(name)})"""
    if sticky is None:
        return [f"{line} if{outside}" if outside else line for line in _in(walk)]
    who = f"req.cook({sticky.cookie})" if sticky.cookie else f"req.fhdr({sticky.header})"
    fresh = "http-request set-var(txn.uid) uuid() if { var(txn.fresh) -m bool }" if sticky.cookie else ""
    lines = _in(f"""\
        http-request set-var(txn.uid) {who}
        http-request set-var(txn.fresh) bool(true) unless {{ var(txn.uid) -m len gt 0 }}
        {fresh}
        http-request set-var(txn.salt) {_look(name, "str(salt)")}
        acl salted var(txn.salt) -m found
        http-request set-var(txn.b) str({name}:),concat(,txn.uid),crc32,mod(10000) unless salted
        http-request set-var(txn.b) str({name}/),concat(,txn.salt),concat(:,txn.uid),sha1,bytes(0,4),hex,hex2i,mod(10000) if salted""")
    return (
        lines
        if sticky.cookie
        else lines + [f"{line} if {{ var(txn.fresh) -m bool }}{outside}" for line in _in(walk)]
    )


def _choose_group(name: str, outside: str) -> list[str]:
    """txn.k: the slot of another group than home's, if any; txn.group: who it is for; txn.srv: the very server."""
    led = f"    http-request set-var(txn.k) var(txn.rule) if ruled !{{ var(txn.rule) -m str {HOME} }}"
    slots = [f"""\
        http-request set-var(txn.t) {_look(name, f"str(t{k})", "0")},add(0) unless {{ var(txn.k) -m found }}
        http-request set-var(txn.k) str({k}) if !{{ var(txn.k) -m found }} {{ var(txn.b),sub(txn.t) -m int lt 0 }}{outside}
        http-request set-var(proc.m{k}_{_variable(name)}) var(proc.m{k}_{_variable(name)}),add(1) if {{ var(txn.k) -m str {k} }}
        http-request set-var(txn.m) var(proc.m{k}_{_variable(name)}) if {{ var(txn.k) -m str {k} }}"""
        for k in range(1, SLOTS + 1)
    ]  # fmt: skip
    return (
        [led] * bool(outside)
        + [line for slot in slots for line in _in(slot)]
        + _in(f"""\
        acl other var(txn.k) -m found
        http-request set-var(txn.group) {_look(name, "str(home)")}
        http-request set-var(txn.group) {_look(name, "str(g),concat(,txn.k)")} if other
        http-request set-var(txn.n) {_look(name, "str(n),concat(,txn.k)", "1")},add(0) if other
        http-request set-var(txn.m) var(txn.m),mod(txn.n) if other
        http-request set-var(txn.srv) {_look(name, "str(s),concat(,txn.k),concat(.,txn.m)")} if other""")
    )


def _count_request(name: str) -> list[str]:
    """sc0: the group's counters. sc1: how many of the group's requests, by slice of time of their beginning, are under
    way. sc2: the same for those whose answer has begun."""
    return _in(f"""\
        http-request set-var(txn.t0) date(0,us)
        http-request set-var(txn.slow) {_look(name, "str(slow_us)", "1000000")},add(0)
        http-request set-var(txn.w) {_look(name, "str(width_us)", "250000")},add(0)
        http-request set-var(txn.late) var(txn.t0),mod(txn.w)
        http-request set-var(txn.slice) var(txn.t0),sub(txn.late)
        http-request set-var(txn.key) str({name}/),concat(,txn.group,@),concat(,txn.slice)
        http-request track-sc0 var(txn.group)
        http-request track-sc1 var(txn.key) table _waiting
        http-request sc-inc-gpc({COUNTS.index("started")},0)
        http-response track-sc2 var(txn.key),concat(~) table _waiting if {{ var(txn.key) -m found }}""")


def _copy(name: str, config: Config | None) -> list[str]:
    if config is None:
        return []
    lines = mirror.of_request(name, _variable(name), split_map(name)) + mirror.of_answer()
    return _in(NEWLINE.join(lines))


def _shield(name: str, led: bool) -> list[str]:
    """An answer may be asked of live again only if it was another group's, by the methods and within the budget. `led`:
    there are rules; whoever they lead looks on purpose, and sees what the release answers."""
    looking = f"acl looking {_look(name, 'str(looking)')} -m str on" if led else ""
    bare = "http-request disable-l7-retry if ruled looking" if led else ""
    sums = [f"""\
        http-request set-var(txn.g) {_look(name, f"str(g{k})", "-")} if other
        http-request set-var(txn.x) var(txn.g),table_gpc_rate({COUNTS.index("started")},{name}) if other
        http-request set-var(txn.asked) var(txn.asked),add(txn.x) if other
        http-request set-var(txn.x) var(txn.g),table_gpc_rate({COUNTS.index("again")},{name}) if other
        http-request set-var(txn.again) var(txn.again),add(txn.x) if other"""
        for k in range(1, SLOTS + 1)
    ]  # fmt: skip
    return _in(f"""\
        http-request set-var(txn.method) method if other
        http-request set-var(txn.again) int(0) if other
        http-request set-var(txn.g) {_look(name, "str(home)", "-")} if other
        http-request set-var(txn.asked) var(txn.g),table_gpc_rate({COUNTS.index("started")},{name}) if other""") + [
        line for one in sums for line in _in(one)
    ] + _in(f"""\
        http-request set-var(txn.ppm) {_look(name, "str(budget_ppm)", "0")},add(0) if other
        http-request set-var(txn.asked) var(txn.asked),mul(txn.ppm) if other
        http-request set-var(txn.again) var(txn.again),mul(1000000) if other
        acl shield {_look(name, "str(shield)")} -m str on
        acl method {_look(name, "str(method.),concat(,txn.method)")} -m found
        acl affordable var(txn.again),sub(txn.asked) -m int lt 0
        http-request disable-l7-retry unless other shield method affordable
        {looking}
        {bare}""")  # fmt: skip


def _count_answer(sticky: Sticky | None) -> list[str]:
    """Also of HAProxy's own answers. Shielded: begun by one group and answered by a server it was not meant for. Again: how
    often another was asked, whatever it said; a bad answer after all means that both tries were used."""
    again, _, finished, failed, slow, shielded = (
        f"http-after-response set-var(txn.x) sc_inc_gpc({place},0) if {{ var(txn.t0) -m found }}"
        for place in range(len(COUNTS))
    )
    cookie = sticky.cookie if sticky else None
    value = f'"{cookie}=%[var(txn.uid)]; Path=/; Max-Age={YEAR}; HttpOnly; SameSite=Lax"'
    remember = (
        f"http-after-response add-header Set-Cookie {value} if {{ var(txn.fresh) -m bool }}" if cookie else ""
    )
    return _in(f"""\
        http-after-response set-var(txn.dt) date(0,us),sub(txn.t0) if {{ var(txn.t0) -m found }}
        http-after-response set-var(txn.by) srv_name
        acl bad status ge 500
        acl meant var(txn.by),strcmp(txn.srv) eq 0
        acl late var(txn.dt),sub(txn.slow) -m int gt 0
        {finished}
        {again} other !meant
        {again} other !meant bad
        {failed} bad
        {failed} !bad other !meant
        {shielded} !bad other !meant
        {slow} late
        {remember}""")


def _look(name: str, key: str, default: str | None = None) -> str:
    return f"{key},map_str({split_map(name)}{f',{default}' if default is not None else ''})"


def _counters() -> tuple[str, ...]:
    return ("i", "c", "r", *(f"m{k}" for k in range(1, SLOTS + 1)))


def _variable(name: str) -> str:
    """Part of a variable's name, where HAProxy knows no `-`, and services no `_`."""
    return name.replace("-", "_")


def _in(text: str) -> list[str]:
    return [f"    {line.strip()}" for line in text.splitlines() if line.strip()]


def _ms(duration: float) -> str:
    return f"{round(duration * 1000)}ms"
