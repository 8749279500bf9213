"""What handlers are given: the context, who asks, and a query's parts."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request
from litestar.params import Dependency, Parameter

from plainsail.app.access import Subject
from plainsail.app.context import Context

Ctx = Annotated[Context, Dependency(skip_validation=True)]
Asking = Request[Subject, Any, Any]
Limit = Annotated[int, Parameter(ge=1, le=1000)]
