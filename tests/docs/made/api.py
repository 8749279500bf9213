"""docs/reference/api.md, from the OpenAPI description that the control plane serves."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import msgspec
from tests.docs.made.source import fields

from plainsail.api import create_app
from plainsail.api.problems import Problem
from plainsail.app.context import Context

Json = dict[str, Any]
ROOT = "/api/v1"

OPENING = """\
# API

<!-- stage: shop slowly -->

The command line, the pages and your own programs use the same HTTP API. It is described by OpenAPI 3.1 at
`/api/v1/openapi.json`, and this page is made from that (`python -m tests.docs.made`). All paths below begin with `/api/v1`.

Every request but [`GET /health`](#get-health) carries the token, which is in the data directory, owner-readable:

```console
$ API=http://127.0.0.1:7676/api/v1
$ AUTH="Authorization: Bearer $(cat .plainsail/token)"
$ curl -s -f -H "$AUTH" $API/services
{"services":[{"service":"shop",...
```

What is asked for is written down and carried out a moment later, so what starts or steers answers `202` with the rollout
as it is now. Shares are basis points (10,000 = all), times are seconds since 1970, durations are seconds. Fields may be
added; none is renamed or removed without a new version of the path.

An error is a problem document (RFC 9457, `application/problem+json`), with a stable [`code`](errors.md):

```console
$ curl -s -H "$AUTH" $API/rollouts/r-none
{"type":"urn:plainsail:problem:rollout_unknown","title":"Not Found","status":404,"detail":"There is no rollout ...
```

Any request can meet ANY; the others are named below.

"""

SECTIONS: dict[str, tuple[str, ...]] = {
    "What runs": (
        "get /health", "get /overview", "get /services", "get /services/{service}/environments/{environment}",
        "get /services/{service}/environments/{environment}/recent",
        "get /services/{service}/environments/{environment}/output", "get /names/{kind}",
    ),
    "What is declared": ("get /spec", "post /spec"),
    "Releases": ("put /releases/{digest}", "get /releases/{digest}"),
    "Rollouts": (
        "post /services/{service}/environments/{environment}/rollouts", "get /rollouts", "get /rollouts/{rollout}",
        "get /rollouts/{rollout}/verdict", "post /rollouts/{rollout}/{verb}",
        "post /services/{service}/environments/{environment}/rollback", "post /abort-all",
    ),
    "What is live": (
        "post /services/{service}/environments/{environment}/scale",
        "post /services/{service}/environments/{environment}/restart",
        "post /services/{service}/environments/{environment}/remove",
    ),
    "What happened": ("get /history", "get /events"),
    "Signing in": ("post /login-codes",),
}  # fmt: skip
"""Where each path stands; one that is not named here stands at the end."""

EXAMPLES = {
    "get /services": "?service=shop",
    "get /releases/{digest}": "?service=shop",
    "get /events": "?after=0&wait=5",
    "get /rollouts": "?service=shop&limit=5",
    "get /history": "?service=shop",
    "get /names/{kind}": "",
    "post /spec": {"files": [{"name": "shop.yaml", "text": "schema: 1\nenvironments:\n  staging:\n    router: {haproxy: {listen: 127.0.0.1:8082}}\n"}], "dry_run": True},
    "post /services/{service}/environments/{environment}/rollouts": {"release": "2.0"},
    "post /services/{service}/environments/{environment}/rollback": {"reason": "not as nice as it looked"},
    "post /services/{service}/environments/{environment}/scale": {"replicas": 3},
    "post /services/{service}/environments/{environment}/restart": {"reason": "it is slow"},
    "post /services/{service}/environments/{environment}/remove": {"reason": "nobody asks for it any more"},
    "post /rollouts/{rollout}/{verb}": {"reason": "lunch"},
    "post /abort-all": {"reason": "fire"},
}  # fmt: skip
PLACE = ("service_unknown", "environment_unknown", "not_placed")
ROLLOUT = ("rollout_unknown", "ambiguous", *PLACE)
UPKEEP = ("nothing_live", "under_way", "moved_on")
PROBLEMS: dict[str, tuple[str, ...]] = {
    "get /services": ("service_unknown",),
    "get /services/{service}/environments/{environment}": PLACE,
    "get /services/{service}/environments/{environment}/recent": PLACE,
    "get /services/{service}/environments/{environment}/output": PLACE,
    "get /names/{kind}": ("service_unknown",),
    "post /spec": ("spec_invalid", "request_entity_too_large"),
    "put /releases/{digest}": ("service_unknown", "bad_digest", "bad_archive", "digest_mismatch", "label_malformed", "too_large", "disk_full"),
    "get /releases/{digest}": ("service_unknown", "release_unknown", "release_missing", "ambiguous"),
    "post /services/{service}/environments/{environment}/rollouts": (
        *PLACE, "release_unknown", "release_missing", "ambiguous", "strategy_unknown", "strategy_unwritten", "strategy_unfit",
        "quarantined", "predecessor", "moved_on",
    ),
    "get /rollouts": ("service_unknown",),
    "get /rollouts/{rollout}": ROLLOUT,
    "get /rollouts/{rollout}/verdict": ROLLOUT,
    "post /rollouts/{rollout}/{verb}": (
        *ROLLOUT, "rollout_ended", "rolling_back", "not_paused", "not_progressing", "test_under_way", "nothing_to_skip", "nothing_to_approve", "moved_on",
    ),
    "post /services/{service}/environments/{environment}/rollback": (*PLACE, "release_unknown", "nothing_to_go_back_to", "moved_on"),
    "get /history": ("service_unknown",),
    "post /services/{service}/environments/{environment}/scale": (*PLACE, *UPKEEP, "replicas_range"),
    "post /services/{service}/environments/{environment}/restart": (*PLACE, *UPKEEP, "release_missing"),
    "post /services/{service}/environments/{environment}/remove": (*PLACE, *UPKEEP),
}  # fmt: skip
"""By path, besides those that any request can meet."""
ANY = ("token_missing", "token_wrong", "host_unknown", "request_invalid", "store_busy", "internal")

NAMES = {
    "service": "shop",
    "environment": "production",
    "rollout": "shop",
    "verb": "pause",
    "kind": "releases",
    "digest": "2.0",
}
QUERIES = {"get /names/{kind}": "?service=shop"}

UPLOAD = """\
The digest is that of the tree, whoever packs it ([releases](../explanation/how-a-rollout-is-decided.md#a-release)), so it is
easiest to let the command line do it, which then starts the rollout too.

```console
$ plainsail deploy shop ./v2 --to production --version 2.0
...
```
"""


def page() -> str:
    described = {
        f"{method} {path.removeprefix(ROOT)}": said
        for path, methods in schema()["paths"].items()
        for method, said in methods.items()
    }
    placed = {one for ones in SECTIONS.values() for one in ones}
    assert placed <= set(described), f"the API has no {sorted(placed - set(described))} any more"
    rest = tuple(one for one in described if one not in placed)
    sections = {**SECTIONS, "More": rest} if rest else SECTIONS
    parts = [OPENING.replace("ANY", _codes(ANY))]
    for title, ones in sections.items():
        parts.append(f"## {title}\n\n" + "\n".join(_operation(one, described[one]) for one in ones))
    shapes = "\n".join(
        _shape(name, shape) for name, shape in sorted(schema()["components"]["schemas"].items())
    )
    problem = _table(Problem, [(name, "text") for name in Problem.__struct_fields__])
    return "\n".join(parts) + f"\n## Shapes\n\n### Problem\n\n{fields(Problem)['']}\n\n{problem}\n{shapes}"


@cache
def schema() -> Json:
    """As served; nothing of the context is touched to make it."""
    nothing = cast(Any, None)
    context = Context(nothing, nothing, nothing, nothing, nothing, lambda: "", "", nothing)
    return create_app(context).openapi_schema.to_schema()


def _operation(name: str, said: Json) -> str:
    method, path = name.split(" ", 1)
    lines = [f"### {method.upper()} {path}", "", said["description"], ""]
    given = [(one["name"], one["in"], _type(one["schema"]), _rest(one)) for one in said.get("parameters", ())]
    if given:
        lines += ["| parameter | in | value | |", "|---|---|---|---|"]
        lines += [f"| `{label}` | {where} | {value} | {rest} |" for label, where, value, rest in given] + [""]
    if "requestBody" in said:
        lines += [f"Body: {_content(said['requestBody'])}.", ""]
    for status, answer in said["responses"].items():
        if status.startswith("2") and "content" in answer:
            lines += [f"Answer: {status}, {_content(answer)}.", ""]
    if name in PROBLEMS:
        lines += [f"Problems: {_codes(PROBLEMS[name])}.", ""]
    if name.startswith("put "):
        return "\n".join(lines) + "\n" + UPLOAD
    if "under_way" in PROBLEMS.get(name, ()):  # by what the page began before
        lines.append("<!-- any outcome -->")
    return "\n".join(lines) + f"\n```console\n$ {_curl(name, method, path)}\n```\n"


def _codes(codes: tuple[str, ...]) -> str:
    return ", ".join(f"[`{code}`](errors.md#{code})" for code in codes)


def _curl(name: str, method: str, path: str) -> str:
    for label, value in NAMES.items():
        path = path.replace("{" + label + "}", value)
    example = EXAMPLES.get(name, "")
    query = QUERIES.get(name) or (example if isinstance(example, str) else "")
    target = f'"$API{path}{query}"' if query else f"$API{path}"
    if method == "get":
        return f'curl -s -f -H "$AUTH" {target}'
    if not isinstance(example, dict):
        return f'curl -s -f -H "$AUTH" -X POST {target}'
    return f"""curl -s -f -H "$AUTH" --json '{msgspec.json.encode(example).decode()}' {target}"""


def _rest(parameter: Json) -> str:
    said = parameter.get("description") or ""
    schema = parameter["schema"]
    if "minimum" in schema:
        said = f"{said} {schema['minimum']:g} to {schema['maximum']:g}.".strip()
    if schema.get("default") not in (None, ""):
        default = schema["default"]
        said = f"{said} Default: {default if isinstance(default, str) else format(default, 'g')}.".strip()
    return f"{said} Required.".strip() if parameter.get("required") else said


def _content(said: Json) -> str:
    return _type(next(iter(said["content"].values()))["schema"])


def _type(schema: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "oneOf" in schema or "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(one) for one in schema.get("oneOf") or schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    match schema.get("type"):
        case "array":
            return f"list of {_type(schema['items'])}" if "items" in schema else "list"
        case "object":
            more = schema.get("additionalProperties")
            return f"object of {_type(more)}" if isinstance(more, dict) and more else "object"
        case list(types):
            return " or ".join(str(one) for one in types)
        case None:
            return "anything"
        case kind:
            return {"string": "text"}.get(kind, str(kind))


def _shape(name: str, shape: Json) -> str:
    struct = _struct(name, frozenset(shape.get("properties", {})))
    rows = [(field, _type(said)) for field, said in shape.get("properties", {}).items()]
    said = fields(struct).get("", "").replace("\n", " ")
    return (
        f"### {name}\n\n"
        + (f"{said}\n\n" if said else "")
        + (_table(struct, rows) if rows else "An array.\n")
    )


def _table(struct: type[msgspec.Struct], rows: list[tuple[str, str]]) -> str:
    about = fields(struct)
    lines = [
        f"| `{field}` | {value} | {about.get(field, '').replace(chr(10), ' ')} |" for field, value in rows
    ]
    return "| field | value | |\n|---|---|---|\n" + "\n".join(lines) + "\n"


@cache
def _struct(name: str, shown: frozenset[str]) -> type[msgspec.Struct]:
    """The one of this name with these fields; two rooms may each have their own."""
    found = [
        one
        for one in _below(msgspec.Struct)
        if one.__name__ == name and one.__module__.startswith("plainsail.")
    ]
    return next((one for one in found if not shown or set(one.__struct_encode_fields__) == shown), found[0])


def _below(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)
