"""The HAProxy router.

`driver` tells the story; `table` is a service's traffic as entries of a map, `template` the configuration file,
`fence` and `members` change a running HAProxy, `counts` and `latency` read what it saw, `shelf` is what is on disk,
`process` the program itself.
"""

from plainsail.drivers.routers.haproxy.config import Config
from plainsail.drivers.routers.haproxy.driver import HAProxy

__all__ = ["Config", "HAProxy"]
