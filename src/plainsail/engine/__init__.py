"""The loop: claim, observe, decide, record, act. It knows ports, no driver."""
