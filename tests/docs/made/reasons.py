"""Why a rollout, a verdict or an event is what it is: what each `reason_code` and `code` stands for."""

from __future__ import annotations

REASONS = {
    "asked": "It was asked for, and the engine has not begun it yet.",
    "errors": "Worse by evidence: more failures than live and the margin allow.",
    "max_errors": "Worse by evidence: more failures than `errors.max`.",
    "latency": "Worse by evidence: more slow requests than live and the margin allow.",
    "differs": "Worse by evidence: of the copies that a shadow got, more were answered otherwise than `differs.max` allows.",
    "crashes": "Instances that had been ready ended by themselves, more often than is forgiven.",
    "never_ready": "No instance became ready: it was timed out once, or failed to start three times.",
    "deadline": "Instances were not ready, or traffic not in force, when the time for that was over.",
    "unsure": "Neither proven nor worse at the step's deadline; `on_unsure` decided.",
    "paused": "A person paused it.",
    "unanswered": "It was on hold, and nobody decided in time.",
    "removed": "Nothing ran, so only the registration ended.",
    "aborted": "A person took it back.",
    "superseded": "A newer release was deployed meanwhile.",
    "quarantined": "The release was taken back before, and `--again` was not given.",
    "no_change": "The release is live already, with the same configuration.",
    "nothing_to_go_back_to": "There is no good release before the live one.",
    "nothing_starts": "On the way back the release before did not start again. A person must look.",
    "few_requests": "In a verdict: not enough requests to be sure yet.",
    "no_requests": "In a verdict: the candidate has had no requests.",
    "instance_failed": "Of the event `instance_failed`.",
    "one_instance": "Of the event `instance_replaced`: one instance alone was bad, and the others are well as far as is known.",
    "drift": "Of the event `drift_corrected`.",
    "refused": "Of the event `intent_refused`.",
    "added": "Of the event `spec_applied`: new.",
    "changed": "Of the event `spec_applied`: known before.",
}  # fmt: skip
