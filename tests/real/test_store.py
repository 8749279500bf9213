"""Which addresses a store may have. What it promises is proven by the conformance suite."""

from __future__ import annotations

import pytest

from plainsail.drivers.stores.sql import open_store
from plainsail.ports.errors import Rejected


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory", "mysql://h/d", "?"]
)
def test_a_store_that_could_not_be_kept_is_refused(url: str) -> None:
    with pytest.raises(Rejected) as refused:
        open_store(url)
    assert refused.value.code == "store_url"
