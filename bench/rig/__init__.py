"""What the benches measure with: instances, users, routers. Each a process of its own, pinned where it matters."""
