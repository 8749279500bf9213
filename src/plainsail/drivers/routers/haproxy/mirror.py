"""Copies of requests for a shadow group: what is in the configuration, in the map and in the answer to `show copies`. Pure.

HAProxy has no mirror of its own. `mirror.lua` sends copies by its HTTP client, in tasks of their own; all else is plain
configuration, which is there whether copies are sent or not and is switched by the service's map:

    copies copy_for copy_bp   how many instances get copies (0, or no such key: none), their group, and of how many requests
    copy.0 copy.1 ...         their addresses
    verb.M                    a method that is copied

What live answers is copied; what insiders ask of another group is not. A request that is copied is read up to `LONGEST`
bytes of its body before it goes on; longer ones, those of unknown length, and those that don't fit into HAProxy's buffer
together with their headers are not copied. Of live's answers to copied
requests those whose length is declared and at most `LONGEST` are held until they are whole; others are never held, and are
compared by their length, or whole if they came in one piece with their head.
A copy goes through a section of its own (`_copies`), so that HAProxy's timeouts hold for it, and what is too long is not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from plainsail.domain.observation import Mirrored
from plainsail.domain.traffic import Mirror, Traffic
from plainsail.drivers.routers.haproxy.config import Config
from plainsail.ports.errors import Transient

FILE = "mirror.lua"
SOCKET = "copies.sock"
LONGEST = 8192
"""Bytes of a body. HAProxy's buffer has 16 KiB, of which headers and a reserve take their part."""
AT_ONCE = 256
"""Connections for copies: four times as many as are under way, since those that are being closed count too."""
CONNECT = "1s"
HELD = "1h"
"""For a whole body of a user's or of live's. HAProxy fails the request after it, so it is longer than anybody goes on: who is
silent meanwhile is ended by `client` and `server`, as without copies."""
STEP = 6181
"""As `template.STRIDE`: through all buckets, each once in 10,000 requests."""


def script() -> str:
    """What is written next to the configuration."""
    return resources.files(__package__).joinpath(FILE).read_text()


def entries(traffic: Traffic) -> dict[str, str]:
    mirror = traffic.mirror
    if mirror is None:
        return {}
    members = traffic.members.get(mirror.group, ())
    return {
        "copies": str(len(members)),
        "copy_for": mirror.group,
        "copy_bp": str(mirror.share_bp),
        **{f"copy.{place}": member.address for place, member in enumerate(members)},
        **{f"verb.{method}": str(place) for place, method in enumerate(mirror.methods)},
    }


def reread(found: Mapping[str, str]) -> Mirror | None:
    """What these entries amount to."""
    if "copies" not in found:
        return None
    verbs = {key.removeprefix("verb."): place for key, place in found.items() if key.startswith("verb.")}
    share = found.get("copy_bp", "0")
    return Mirror(
        group=found.get("copy_for", ""),
        share_bp=int(share) if share.isdigit() else 0,
        methods=tuple(sorted(verbs, key=lambda method: (verbs[method], method))),
    )


def of_request(name: str, variable: str, file: str) -> list[str]:
    """In the service's section. `txn.copy_for` is set for what is copied."""

    def look(key: str, otherwise: str = "") -> str:
        return f"{key},map_str({file}{f',{otherwise}' if otherwise else ''})"

    turn, walk = f"proc.r_{variable}", f"proc.c_{variable}"
    return f"""\
http-request del-header Plainsail-Copy
http-request set-var(txn.copy_n) {look("str(copies)", "0")},add(0)
acl copying var(txn.copy_n) -m int gt 0
http-request set-var(txn.verb) method if copying
acl copied_verb {look("str(verb.),concat(,txn.verb)")} -m found
acl upgrades req.hdr(upgrade) -m found
http-request set-var(txn.copy) bool(true) if copying copied_verb !upgrades !other
acl copied var(txn.copy) -m bool
http-request set-var({walk}) var({walk}),add({STEP}),mod(10000) if copied
http-request set-var(txn.copy_bp) {look("str(copy_bp)", "0")},add(0) if copied
acl falls var({walk}),sub(txn.copy_bp) -m int lt 0
http-request set-var(txn.copy) bool(false) if copied !falls
http-request set-var({turn}) var({turn}),add(1) if copied
http-request set-var(txn.copy_turn) var({turn}),mod(txn.copy_n) if copied
http-request set-var(txn.copy_to) {look("str(copy.),concat(,txn.copy_turn)")} if copied
http-request set-var(txn.copy_for) {look("str(copy_for)")} if copied
acl has_body req.hdr(content-length),add(0) -m int gt 0
acl long req.hdr(content-length),add(0) -m int gt {LONGEST}
acl long req.hdr(transfer-encoding) -m found
http-request set-var(txn.copy_long) bool(true) if copied long
http-request set-var(txn.copy_body) bool(true) if copied has_body !long
http-request wait-for-body time {HELD} if copied has_body !long
http-request set-var(txn.copy_t0) date(0,us) if copied
http-request lua.plainsail_copy {name} if copied {{ var(txn.copy_to) -m found }}""".splitlines()


def of_answer() -> list[str]:
    """In the service's section, for what was copied. Live's time counts from the moment of the copy, which has the whole body:
    a user who is slow to send makes neither of them slow."""
    return f"""\
acl paired var(txn.pair) -m found
http-response set-var(txn.copy_took) date(0,us),sub(txn.copy_t0) if paired
{_body("paired ", HELD)}
http-response lua.plainsail_answered if paired""".splitlines()


def sections(config: Config) -> list[str]:
    """Where copies come in and go out. Only we can connect to that socket."""
    told = " ".join(
        f"hdr plainsail-copy-{name} %[{what}]"
        for name, what in (
            ("status", "var(txn.copy_status)"),
            ("took", "var(txn.copy_took)"),
            ("length", "var(txn.copy_len)"),
            ("hash", "var(txn.copy_hash)"),
        )
    )
    return f"""\
frontend _copies
    bind unix@{SOCKET} mode 600
    maxconn {AT_ONCE}
    default_backend _copied
backend _copied
    retries 0
    timeout connect {CONNECT}
    http-request set-var(txn.t0) date(0,us)
    http-request set-dst req.fhdr(plainsail-copy-host)
    http-request set-dst-port req.fhdr(plainsail-copy-port),add(0)
    http-request set-timeout server req.fhdr(plainsail-copy-within),add(0)
    http-request set-method %[req.fhdr(plainsail-copy-method)]
    http-request del-header accept if {{ req.fhdr(plainsail-copy-lacks) -m sub accept }}
    http-request del-header user-agent if {{ req.fhdr(plainsail-copy-lacks) -m sub user-agent }}
    http-request del-header plainsail-copy -m beg
    http-request set-header Plainsail-Copy 1
    http-response set-var(txn.copy_took) date(0,us),sub(txn.t0)
    http-response set-var(txn.copy_status) status
    {_body("", _ms(config.server))}
    http-response return status 200 {told}
    server instance 0.0.0.0:0""".splitlines()


def parse(answer: str) -> dict[str, Mirrored]:
    """By group. Raises Transient for what mirror.lua never says."""
    found = {}
    for row in answer.splitlines():
        group, *numbers = row.split()
        if len(numbers) != len(Mirrored.__struct_fields__) or not all(one.isdigit() for one in numbers):
            raise Transient("haproxy_refused", f"HAProxy said something else of copies: {row[:80]}")
        found[group] = Mirrored(*(int(one) for one in numbers))
    return found


def question(service: str) -> str:
    return f"show copies {service}"


def _body(when: str, within: str) -> str:
    """txn.copy_len and txn.copy_hash, as far as they can be known without holding a stream."""
    lines = f"""\
acl short res.hdr(content-length),add(0) -m int le {LONGEST}
acl declared res.hdr_cnt(content-length) eq 1
acl whole internal.htx.has_eom -m bool
http-response wait-for-body time {within} if {when}declared short !whole
http-response set-var(txn.copy_len) res.body_len if {when}whole
http-response set-var(txn.copy_hash) res.body,xxh64 if {when}whole short
http-response set-var(txn.copy_hash) res.body,xxh64 if {when}whole !declared
http-response set-var(txn.copy_len) res.hdr(content-length) if {when}declared !short"""
    return "\n    ".join(lines.splitlines())


def _ms(duration: float) -> str:
    return f"{round(duration * 1000)}ms"
