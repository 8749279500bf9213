"""What an earlier control plane left on this machine: instances to adopt, losses to count, strays to end."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from plainsail.drivers._kit import limits, proc
from plainsail.drivers._kit.instance import Mishap
from plainsail.drivers._kit.journal import GroupRecord, InstanceRecord, Journal
from plainsail.drivers._kit.probe import PROBE_MARK
from plainsail.drivers._kit.replicas import Backoff
from plainsail.drivers._kit.spawn import INSTANCE_MARK, SITE_MARK


class Found(NamedTuple):
    groups: tuple[GroupRecord, ...]
    """With the losses counted."""
    alive: tuple[InstanceRecord, ...]


def find(journal: Journal) -> Found:
    """Look at all that is written down and all that runs; forget and end what belongs to nobody. Blocks.

    Raises Broken (`record_newer`) before anything is ended.
    """
    boot, records = proc.boot_id(), tuple(journal.instances())  # all are read before anything is ended
    groups = {(group.service, group.group): group for group in journal.groups()}
    for key, group in groups.items():
        if group.boot != boot:
            groups[key] = replace(group, boot=boot, backoff=Backoff())
    alive = []
    for record in records:
        key = record.service, record.group
        if key not in groups:  # its record is lost: as large as it is, until somebody says
            groups[key] = GroupRecord(record.service, record.group, record.release, asked=1, boot=boot)
        group = groups[key]
        if record.process is not None and proc.lives(record.process):
            alive.append(record)
            continue
        if record.release == group.release and (mishap := _loss(record, boot)) is not None:
            backoff = group.backoff.failed(record.began_at, record.ready_at, proc.uptime())
            groups[key] = mishap.counted(replace(group, backoff=backoff))
        if record.process is not None:
            proc.reap(record.process)
        limits.give_back(record.cgroups)
        journal.forget_instance(record)
    _end_strays(journal, {record.id for record in alive})
    journal.tidy({group.release for group in groups.values()}, {record.id for record in alive})
    return Found(tuple(groups.values()), tuple(alive))


def _loss(record: InstanceRecord, boot: str) -> Mishap | None:
    """An instance that ended by itself while nobody looked. A reboot is nobody's fault."""
    if record.process is None or record.process.boot != boot or record.ending_at is not None:
        return None
    if record.ready_at is None:
        return Mishap("failed_start", "ended before it was ready, while no control plane ran")
    return Mishap("crash", "ended while no control plane ran")


def _end_strays(journal: Journal, alive: set[str]) -> None:
    """Processes that carry our mark and belong to no living instance: started in the very moment the control plane
    was killed, left over from an instance that died meanwhile, or probes of it."""
    for pid, env in list(proc.marked(SITE_MARK, journal.site)):
        if PROBE_MARK in env or env.get(INSTANCE_MARK) not in alive:
            stray = proc.identify(pid)
            if stray is not None and proc.environment(stray).get(SITE_MARK) == journal.site:
                proc.kill(stray)
