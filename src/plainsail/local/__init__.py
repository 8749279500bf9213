"""Commands that run things on this machine: the control plane itself, and what needs none. Loaded lazily by the CLI."""
