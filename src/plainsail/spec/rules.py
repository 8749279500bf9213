"""Which check is run on what: by Struct and field, each name in a mapping, each field, and each Struct as a whole."""

from __future__ import annotations

from collections.abc import Mapping

from plainsail.domain import criteria, strategy
from plainsail.domain import service as shape
from plainsail.domain.match import Match
from plainsail.spec import checks, copying, insiders, measures, trials, ways
from plainsail.spec.checks import Check

OF_A_NAME: Mapping[tuple[type, str], Check] = {
    (shape.Document, "environments"): checks.name_of("an environment"),
    (shape.Document, "services"): checks.name_of("a service"),
    (shape.Environment, "metrics"): checks.name_of("a metric source"),
    (criteria.EvidenceCriteria, "metrics"): measures.name,
    (shape.Run, "env"): checks.variable,
    (shape.Run, "secrets"): checks.variable,
    (shape.Placement, "env"): checks.variable,
    (shape.Placement, "secrets"): checks.variable,
    (strategy.AB, "variants"): trials.name,
    (strategy.Variant, "env"): checks.variable,
}
"""By Struct and name of a field that is a mapping; run on each key in it."""

OF_A_FIELD: Mapping[tuple[type, str], tuple[Check, ...]] = {
    (shape.Environment, "gates"): (checks.gates,),
    (shape.Run, "command"): (checks.command,),
    (shape.Run, "secrets"): (checks.secrets,),
    (shape.Run, "live"): (checks.live,),
    (shape.Probe, "http"): (checks.http_path,),
    (shape.Probe, "command"): (checks.command,),
    (shape.Probe, "within"): (checks.above_zero("within"),),
    (shape.Probe, "every"): (checks.above_zero("every"),),
    (shape.Probe, "timeout"): (checks.above_zero("timeout"),),
    (shape.Probe, "failures"): (checks.between("failures", 1, 1000),),
    (shape.Limits, "memory"): (checks.above_zero("memory"),),
    (shape.Limits, "files"): (checks.above_zero("files"),),
    (shape.Limits, "cpu"): (checks.above_zero("cpu"),),
    (shape.Placement, "replicas"): (checks.between("replicas", 1, checks.MOST_REPLICAS),),
    (shape.Placement, "hosts"): (checks.hosts,),
    (shape.Placement, "secrets"): (checks.secrets,),
    (shape.Placement, "strategy"): (ways.chain,),
    (strategy.Pace, "deadline"): (checks.above_zero("deadline"),),
    (strategy.Pace, "requests"): (checks.between("requests", 0, 1_000_000_000),),
    (criteria.ErrorCriteria, "margin"): (checks.margin,),
    (criteria.LatencyCriteria, "margin"): (checks.margin,),
    (criteria.LatencyCriteria, "bound"): (checks.above_zero("bound"),),
    (criteria.LatencyCriteria, "p50"): (checks.above_zero("p50"),),
    (criteria.LatencyCriteria, "p90"): (checks.above_zero("p90"),),
    (criteria.LatencyCriteria, "p99"): (checks.above_zero("p99"),),
    (criteria.EvidenceCriteria, "alpha"): (checks.odds("alpha"),),
    (criteria.EvidenceCriteria, "beta"): (checks.odds("beta"),),
    (criteria.EvidenceCriteria, "crashes"): (checks.between("crashes", 0, 1000),),
    (criteria.EvidenceCriteria, "replace"): (checks.between("replace", 0, 1000),),
    (criteria.EvidenceCriteria, "metrics"): (measures.not_too_many,),
    (criteria.Threshold, "interval"): (measures.not_below("interval", 1.0, "1s"),),
    (criteria.Threshold, "failure_limit"): (checks.between("failure_limit", 0, 1000),),
    (criteria.Threshold, "consecutive_errors"): (checks.between("consecutive_errors", 0, 1000),),
    (criteria.Threshold, "successes"): (checks.between("successes", 1, 1000),),
    (criteria.Metric, "value"): (measures.query,),
    (criteria.Metric, "histogram"): (measures.query,),
    (criteria.Metric, "every"): (measures.not_below("every", 1.0, "1s"),),
    (criteria.Metric, "during"): (measures.during,),
    (criteria.Metric, "at"): (measures.at,),
    (criteria.Counted, "requests"): (measures.query,),
    (criteria.Counted, "failures"): (measures.query,),
    (criteria.Averaged, "count"): (measures.query,),
    (criteria.Averaged, "sum"): (measures.query,),
    (criteria.Averaged, "squares"): (measures.query,),
    (shape.Shield, "methods"): (checks.methods,),
    (shape.Sticky, "cookie"): (checks.token("cookie"),),
    (shape.Sticky, "header"): (checks.token("header"),),
    (shape.Notify, "webhook"): (checks.webhook,),
    (strategy.Canary, "steps"): (ways.shares("A canary"),),
    (strategy.Incremental, "steps"): (ways.shares("An incremental rollout"),),
    (strategy.RollingRedBlack, "steps"): (ways.shares("A rolling red-black"),),
    (strategy.RollingCanary, "steps"): (ways.shares("A rolling canary"),),
    (strategy.Rolling, "max_surge"): (ways.batch("max_surge"),),
    (strategy.Rolling, "max_unavailable"): (ways.batch("max_unavailable"),),
    (strategy.RollingCanary, "max_surge"): (ways.batch("max_surge"),),
    (strategy.RollingCanary, "max_unavailable"): (ways.batch("max_unavailable"),),
    (strategy.AB, "share"): (trials.share,),
    (strategy.AB, "lasts"): (checks.above_zero("lasts"),),
    (strategy.AB, "margin"): (trials.margin,),
    (strategy.AB, "variants"): (trials.variants,),
    (strategy.Shadow, "share"): (copying.share,),
    (strategy.Shadow, "methods"): (copying.methods,),
    (strategy.Shadow, "lasts"): (checks.above_zero("lasts"),),
    (strategy.Shadow, "instances"): (checks.between("instances", 1, checks.MOST_REPLICAS),),
    (strategy.Dark, "instances"): (checks.between("instances", 1, checks.MOST_REPLICAS),),
    (strategy.Custom, "steps"): (ways.own_steps,),
    (strategy.CustomStep, "instances"): (checks.between("instances", 1, checks.MOST_REPLICAS),),
    (strategy.CustomStep, "deadline"): (checks.above_zero("deadline"),),
    (strategy.CustomStep, "requests"): (checks.between("requests", 0, 1_000_000_000),),
    (Match, "hosts"): (checks.hosts,),
    (Match, "header"): (insiders.header,),
    (Match, "cookie"): (insiders.cookie,),
    (Match, "networks"): (insiders.networks,),
}
"""By Struct and name of the field; run on a field that is written and could be read."""

OF_A_WHOLE: Mapping[type, tuple[Check, ...]] = {
    shape.Service: (checks.has_environment,),
    shape.Run: (checks.given_once,),
    shape.Probe: (checks.probe,),
    shape.Placement: (checks.given_once, ways.going, insiders.told_apart, measures.fitting, trials.fitting),
    strategy.Pace: (checks.pace,),
    strategy.Rolling: (ways.moving,),
    strategy.AB: (trials.test,),
    strategy.RollingCanary: (ways.moving,),
    Match: (insiders.somebody,),
    criteria.ErrorCriteria: (checks.errors,),
    criteria.Metric: (measures.metric,),
    shape.Sticky: (checks.sticky,),
}
"""By Struct; run when all of its fields could be read."""
