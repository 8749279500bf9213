"""The decision rules of other systems, re-stated as pure functions from their sources; no code of theirs is here."""
