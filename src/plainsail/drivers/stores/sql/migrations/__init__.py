"""Alembic's scripts: how an older store becomes one of today. Shipped, and run when a store is opened."""
