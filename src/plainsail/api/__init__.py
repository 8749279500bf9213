"""The HTTP API: the use cases over REST, thin. OpenAPI at `/api/v1/openapi.json`."""

from plainsail.api.app import create_app

__all__ = ["create_app"]
