"""Verifiers: who can be asked whether a rollout may go on."""
