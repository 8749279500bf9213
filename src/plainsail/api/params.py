"""What handlers are given: the context, who asks, and a query's parts."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from plainsail.app.access import Subject
from plainsail.app.context import Context

Ctx = NamedDependency[SkipValidation[Context]]
Asking = Request[Subject, Any, Any]
Limit = Annotated[int, QueryParameter(ge=1, le=1000)]
