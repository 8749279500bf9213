"""What JSON Schema can say of the rules in `scalars` and `checks`: patterns, bounds, and what must stand together.

Patterns mean the same in Python's `re` and in JavaScript's (with its `u` flag), and say their own end: Python's `$`
would let a line break follow. `patternErrorMessage` is read by VS Code's YAML extension and passed over by others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plainsail.domain import criteria, mirroring, strategy
from plainsail.domain import service as shape
from plainsail.domain.match import Match
from plainsail.domain.trial import MOST as MOST_VARIANTS
from plainsail.spec import checks, copying, insiders, measures

Schema = dict[str, Any]

TEXT: Schema = {"type": ["string", "number", "boolean"]}
"""Where a text is asked for, `007`, `1.10` and `no` are texts, so an editor must not complain of them."""

END = r"(?![\s\S])"
N = r"[0-9]{1,12}(?:\.[0-9]{1,12})?"
UP_TO_12 = r"(?=[0-9]{1,12}(?![0-9]))"
"""The whole part of a number, leading zeros with it, has at most twelve digits."""
SOME = r"(?=[^1-9]*[1-9])"
"""Not zero."""

UNITS = "".join(f"(?:{N}{unit})?" for unit in ("d", "h", "m", "s", "ms"))
PERCENT = rf"{UP_TO_12}0*(?:100(?:\.0{{1,12}})?|[0-9]{{1,2}}(?:\.[0-9]{{1,12}})?)%"
PART = rf"{UP_TO_12}0*(?:1(?:\.0{{1,12}})?|0(?:\.[0-9]{{1,12}})?)"
POINTS = r"[0-9]{1,2}(?:\.[0-9]{1,2}0{0,10})?"


def matching(pattern: str, meant: str) -> Schema:
    return {"type": "string", "pattern": f"^{pattern}{END}", "patternErrorMessage": f"Write {meant}."}


def _size() -> str:
    """Decimal units with no more decimals than there are bytes; of binary ones, any part."""
    decimal = "|".join(
        rf"[0-9]{{1,12}}(?:\.[0-9]{{1,{digits}}}0{{0,{12 - digits}}})?{unit}"
        for unit, digits in (("[kK]B", 3), ("MB", 6), ("GB", 9))
    )
    return rf"(?:[0-9]{{1,12}}(?:\.0{{1,12}})?B|{decimal}|{N}TB|{N}[KMGT]iB)"


DURATION = "a duration such as 30s, 5m or 1h30m"
SHARE = "a share such as 1%, 0.5% or 50%, no finer than 0.01%"
SIZE = "a size such as 10MB, 10MiB or 512KiB"

QUANTITIES: Mapping[str, Schema] = {
    "duration": matching(f"(?=[0-9]){UNITS}", DURATION),
    "share": matching(rf"{UP_TO_12}0*(?:100(?:\.0{{1,12}})?|{POINTS})%", SHARE),
    "ratio": {
        "anyOf": [
            matching(f"(?:{PERCENT}|{PART})", "a part such as 0.5% or 0.005"),
            {"type": "number", "minimum": 0, "maximum": 1},
        ]
    },
    "level": {
        "anyOf": [
            matching(rf"-?{N}(?:%|[eE][+-]?[0-9]{{1,2}})?", "a number such as 0.01, or a part such as 1%"),
            {"type": "number"},
        ]
    },
    "rate": matching(f"{N}/[smh]", "a rate such as 500/s or 30/m"),
    "size": matching(_size(), SIZE),
}
"""By the name of their reader in `scalars`."""

SOME_TIME = matching(f"{SOME}(?=[0-9]){UNITS}", f"{DURATION}, more than 0")
SOME_PART: Schema = {
    "anyOf": [
        matching(f"{SOME}(?:{PERCENT}|{PART})", "a part such as 0.5% or 0.005, more than 0"),
        {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    ]
}
ODDS: Schema = {
    "anyOf": [
        matching(
            rf"{SOME}{UP_TO_12}0*(?:(?:50(?:\.0{{1,12}})?|[0-4]?[0-9](?:\.[0-9]{{1,12}})?)%"
            r"|0?(?:\.50{0,11}|\.[0-4][0-9]{0,11}))",
            "a part such as 1% or 0.01, more than 0 and at most 50%",
        ),
        {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5},
    ]
}
NAME: Schema = matching(checks.NAME.pattern, "a small letter, then at most 39 of a-z, 0-9 and -")
METRIC = matching(
    rf"(?!(?:{'|'.join(measures.BUILT_IN)}){END}){measures.NAME.pattern.replace('-]', chr(92) + '-]')}",
    "a small letter, then at most 40 of a-z, 0-9, _ and -; not the name of a test of plainsail's own",
)
QUERY: Schema = {"minLength": 1, "maxLength": measures.LONGEST}
VARIABLE: Schema = {
    "pattern": rf"^(?!PORT{END})(?!PLAINSAIL_){checks.VARIABLE.pattern}{END}",
    "patternErrorMessage": "Write letters, digits and _, no digit first; PORT and PLAINSAIL_... are plainsail's.",
}
ABSOLUTE = matching(r"/[\s\S]*", "the absolute path of a file")
HOST = {
    **matching(checks.HOST.pattern, "a host name in small letters"),
    **TEXT,
}
TOKEN = {
    **matching(checks.TOKEN.pattern, "letters, digits, - and _"),
    **TEXT,
}
OTHER = r"\{(?!port\})[A-Za-z_][A-Za-z0-9_]*\}"
WORD: Schema = {
    "pattern": rf"^(?![\s\S]*\$\{{port\}})(?!{OTHER})(?![\s\S]*[^$]{OTHER})",
    "patternErrorMessage": "Only {port} is put in; write it in quotes, without a $.",
}
"""A word of a command."""
STEP = matching(
    rf"{SOME}{UP_TO_12}0*{POINTS}%", f"{SHARE}, more than 0% and less than 100%, which follows by itself"
)
SOME_SHARE = matching(rf"{SOME}{UP_TO_12}0*(?:100(?:\.0{{1,12}})?|{POINTS})%", f"{SHARE}, more than 0%")
PART_OF_USERS = matching(rf"{SOME}{UP_TO_12}0*{POINTS}%", f"{SHARE}, more than 0% and less than 100%")
AT_LEAST_0: Schema = {
    "anyOf": [
        matching(
            rf"{N}(?:%|[eE][+-]?[0-9]{{1,2}})?", "a number such as 0.01, or a part such as 1%, 0 or more"
        ),
        {"type": "number", "minimum": 0},
    ]
}
SHARES: Schema = {"minItems": 1, "items": STEP, "uniqueItems": True}
BATCH: Schema = {"minimum": 0, "maximum": checks.MOST_REPLICAS}
INSTANCES: Schema = {"minimum": 1, "maximum": checks.MOST_REPLICAS}
NOT_EMPTY: Schema = {"minItems": 1, "prefixItems": [{**TEXT, "minLength": 1, **WORD}]}

LIMITS: Mapping[tuple[type, str], Schema] = {
    (shape.Environment, "gates"): {"maxItems": 0},
    (shape.Service, "placements"): {"minProperties": 1},
    (shape.Run, "command"): {**NOT_EMPTY, "items": WORD},
    (shape.Run, "secrets"): {"additionalProperties": ABSOLUTE},
    (shape.Run, "live"): {},
    (shape.Probe, "http"): matching(checks.URL_PATH.pattern, "a path such as /healthz"),
    (shape.Probe, "command"): {**NOT_EMPTY, "items": WORD},
    (shape.Probe, "within"): SOME_TIME,
    (shape.Probe, "every"): SOME_TIME,
    (shape.Probe, "timeout"): SOME_TIME,
    (shape.Probe, "failures"): {"minimum": 1, "maximum": 1000},
    (shape.Limits, "memory"): matching(f"{SOME}{_size()}", f"{SIZE}, more than 0"),
    (shape.Limits, "files"): {"exclusiveMinimum": 0},
    (shape.Limits, "cpu"): {"exclusiveMinimum": 0},
    (shape.Placement, "replicas"): {"minimum": 1, "maximum": checks.MOST_REPLICAS},
    (shape.Placement, "hosts"): {"items": HOST, "uniqueItems": True},
    (shape.Placement, "secrets"): {"additionalProperties": ABSOLUTE},
    (shape.Placement, "strategy"): {},
    (strategy.Pace, "deadline"): SOME_TIME,
    (strategy.Pace, "requests"): {"minimum": 0, "maximum": 1_000_000_000},
    (criteria.ErrorCriteria, "margin"): SOME_PART,
    (criteria.LatencyCriteria, "margin"): SOME_PART,
    (criteria.LatencyCriteria, "bound"): SOME_TIME,
    (criteria.LatencyCriteria, "p50"): SOME_PART,
    (criteria.LatencyCriteria, "p90"): SOME_PART,
    (criteria.LatencyCriteria, "p99"): SOME_PART,
    (criteria.EvidenceCriteria, "alpha"): ODDS,
    (criteria.EvidenceCriteria, "beta"): ODDS,
    (criteria.EvidenceCriteria, "crashes"): {"minimum": 0, "maximum": 1000},
    (criteria.EvidenceCriteria, "replace"): {"minimum": 0, "maximum": 1000},
    (criteria.EvidenceCriteria, "metrics"): {"maxProperties": measures.MOST},
    (criteria.Threshold, "interval"): {},
    (criteria.Threshold, "failure_limit"): {"minimum": 0, "maximum": 1000},
    (criteria.Threshold, "consecutive_errors"): {"minimum": 0, "maximum": 1000},
    (criteria.Threshold, "successes"): {"minimum": 1, "maximum": 1000},
    (criteria.Metric, "value"): QUERY,
    (criteria.Metric, "histogram"): QUERY,
    (criteria.Metric, "every"): {},
    (criteria.Metric, "during"): {"minItems": 1, "uniqueItems": True},
    (criteria.Metric, "at"): {},
    (criteria.Counted, "requests"): QUERY,
    (criteria.Counted, "failures"): QUERY,
    (criteria.Averaged, "count"): QUERY,
    (criteria.Averaged, "sum"): QUERY,
    (criteria.Averaged, "squares"): QUERY,
    (shape.Shield, "methods"): {"items": {"enum": list(checks.REPEATABLE)}},
    (shape.Sticky, "cookie"): TOKEN,
    (shape.Sticky, "header"): TOKEN,
    (shape.Notify, "webhook"): matching(
        r"(?:https?:\/\/[!-~]+|\/\S*)", "a URL, or the absolute path of a file that holds it"
    ),
    (strategy.Canary, "steps"): SHARES,
    (strategy.Incremental, "steps"): SHARES,
    (strategy.RollingRedBlack, "steps"): SHARES,
    (strategy.RollingCanary, "steps"): SHARES,
    (strategy.Rolling, "max_surge"): BATCH,
    (strategy.Rolling, "max_unavailable"): BATCH,
    (strategy.RollingCanary, "max_surge"): BATCH,
    (strategy.RollingCanary, "max_unavailable"): BATCH,
    (strategy.AB, "share"): PART_OF_USERS,
    (strategy.AB, "lasts"): SOME_TIME,
    (strategy.AB, "margin"): AT_LEAST_0,
    (strategy.AB, "variants"): {"maxProperties": MOST_VARIANTS},
    (strategy.Dark, "instances"): INSTANCES,
    (mirroring.Shadow, "share"): SOME_SHARE,
    (mirroring.Shadow, "methods"): {
        "items": {"enum": list(copying.METHODS)},
        "minItems": 1,
        "uniqueItems": True,
    },
    (mirroring.Shadow, "lasts"): SOME_TIME,
    (mirroring.Shadow, "instances"): INSTANCES,
    (strategy.Custom, "steps"): {"minItems": 1},
    (strategy.CustomStep, "instances"): INSTANCES,
    (strategy.CustomStep, "deadline"): SOME_TIME,
    (strategy.CustomStep, "requests"): {"minimum": 0, "maximum": 1_000_000_000},
    (Match, "hosts"): {"items": HOST, "uniqueItems": True},
    (Match, "header"): matching(insiders.HEADER.pattern, "Name: value"),
    (Match, "cookie"): matching(insiders.COOKIE.pattern, "name=value"),
    (Match, "networks"): {"items": matching(insiders.NETWORK.pattern, "a network such as 10.0.0.0/8")},
}
"""By Struct and name of the field, for each that `rules.OF_A_FIELD` has; empty where only the decoder can say it."""

NAMES: Mapping[tuple[type, str], Schema] = {
    (shape.Document, "environments"): NAME,
    (shape.Document, "services"): NAME,
    (shape.Environment, "metrics"): NAME,
    (criteria.EvidenceCriteria, "metrics"): METRIC,
    (shape.Run, "env"): VARIABLE,
    (shape.Run, "secrets"): VARIABLE,
    (shape.Placement, "env"): VARIABLE,
    (shape.Placement, "secrets"): VARIABLE,
    (strategy.AB, "variants"): {**NAME, "pattern": f"^(?!live{END})(?:{checks.NAME.pattern}){END}"},
    (strategy.Variant, "env"): VARIABLE,
}
"""By Struct and name of a field that is a mapping: what its keys must be."""

STUCK: Schema = {
    "not": {
        "required": ["max_surge"],
        "properties": {"max_surge": {"const": 0}, "max_unavailable": {"const": 0}},
    }
}
WHOLES: Mapping[type, Schema] = {
    shape.Service: {"required": ["run", "in"]},
    shape.Probe: {
        "oneOf": [
            {"required": ["http"]},
            {"required": ["command"]},
            {"required": ["tcp"], "properties": {"tcp": {"const": True}}},
        ]
    },
    criteria.Metric: {"oneOf": [{"required": [kind]} for kind in measures.KINDS]},
    shape.Sticky: {"oneOf": [{"required": ["cookie"]}, {"required": ["header"]}]},
    strategy.Rolling: STUCK,
    strategy.RollingCanary: STUCK,
    strategy.AB: {
        "not": {"required": ["match", "variants"], "properties": {"variants": {"minProperties": 1}}}
    },
    Match: {"minProperties": 1},
}
"""By Struct: keys that must or must not stand together."""

EXAMPLES: Mapping[tuple[type, str], tuple[Any, ...]] = {
    (shape.Document, "environments"): (
        {"production": {"router": {"haproxy": {"listen": "127.0.0.1:8080"}}}},
    ),
    (shape.Document, "services"): (
        {
            "shop": {
                "run": {"command": ["bin/serve", "--port", "{port}"]},
                "in": {"production": {"replicas": 2}},
            }
        },
    ),
    (shape.Environment, "router"): ({"haproxy": {"listen": "127.0.0.1:8080"}},),
    (shape.Environment, "after"): ("staging",),
    (criteria.EvidenceCriteria, "metrics"): (
        {
            "memory": {
                "source": "shop-metrics",
                "value": 'sum(process_resident_memory_bytes{group="{group}"})',
                "relative": "20%",
            }
        },
    ),
    (shape.Service, "placements"): ({"production": {"replicas": 2}},),
    (shape.Run, "command"): (["bin/serve", "--port", "{port}"],),
    (shape.Run, "env"): ({"LOG_LEVEL": "info"},),
    (shape.Run, "secrets"): ({"DATABASE_URL": "/run/secrets/database-url"},),
    (shape.Run, "ready"): ({"http": "/healthz", "within": "30s"},),
    (shape.Run, "live"): ({"http": "/healthz", "every": "5s"},),
    (shape.Run, "limits"): ({"memory": "512MiB"},),
    (shape.Probe, "http"): ("/healthz",),
    (shape.Probe, "command"): (["bin/is-well"],),
    (shape.Limits, "memory"): ("512MiB",),
    (shape.Limits, "files"): (4096,),
    (shape.Limits, "cpu"): (1.5,),
    (shape.Placement, "hosts"): (["shop.example"],),
    (shape.Placement, "env"): ({"LOG_LEVEL": "warning"},),
    (shape.Placement, "secrets"): ({"DATABASE_URL": "/run/secrets/database-url"},),
    (shape.Placement, "strategy"): ("blue-green", [{"canary": {"steps": ["1%", "10%", "50%"]}}]),
    (shape.Placement, "evidence"): ({"errors": {"margin": "0.5%", "max": "5%"}},),
    (shape.Placement, "sticky"): ({"cookie": "version"},),
    (Match, "hosts"): (["www-dark.shop.example"],),
    (Match, "header"): ("X-Insider: yes",),
    (Match, "cookie"): ("insider=yes",),
    (Match, "networks"): (["10.0.0.0/8"],),
    (strategy.BlueGreen, "preview"): ({"hosts": ["next.shop.example"]},),
    (mirroring.Shadow, "methods"): (["GET", "HEAD"],),
    (mirroring.Differs, "max"): ("1%",),
    (strategy.AB, "variants"): ({"red": {"env": {"BUTTON": "red"}}, "blue": {"env": {"BUTTON": "blue"}}},),
    (strategy.Dark, "match"): ({"hosts": ["www-dark.shop.example"]},),
    (strategy.Custom, "steps"): (
        [{"share": "5%", "until": "dwell", "dwell": "10m"}, {"share": "50%", "until": "advanced"}],
    ),
    (strategy.CustomStep, "match"): ({"header": "X-Insider: yes"},),
    (shape.Sticky, "cookie"): ("version",),
    (shape.Sticky, "header"): ("x-user",),
    (shape.Notify, "webhook"): ("/run/secrets/webhook", "https://chat.example/hook"),
}
"""By Struct and name of the field: what may be written there."""
