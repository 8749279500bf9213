"""What handlers are given: the context, the sessions, who asks, and a query's parts."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from plainsail.app.access import Subject
from plainsail.app.context import Context
from plainsail.app.sessions import Sessions

Ctx = NamedDependency[SkipValidation[Context]]
Signing = NamedDependency[SkipValidation[Sessions]]
Asking = Request[Subject, Any, Any]
Limit = Annotated[int, QueryParameter(ge=1, le=1000)]
