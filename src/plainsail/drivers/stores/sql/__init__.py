"""The store in SQLite or PostgreSQL: SQLAlchemy Core, migrated by Alembic. See docs/adr/0004-storage.md."""

from plainsail.drivers.stores.sql.opening import open_store
from plainsail.drivers.stores.sql.store import SqlStore

__all__ = ["SqlStore", "open_store"]
