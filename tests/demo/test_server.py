"""What the demo says of itself besides the replies."""

from email.utils import parsedate_to_datetime

import httpx

from reconciler.demo.data import History
from reconciler.demo.server import Demo
from tests.clock import NOW
from tests.shared import serve


def test_the_header_date_is_of_the_demos_clock() -> None:
    server = Demo(History(NOW, orders=1), clock=lambda: NOW)
    serve(server)
    try:
        date = httpx.get(server.url, trust_env=False).headers["Date"]
    finally:
        server.shutdown()
        server.server_close()
    assert parsedate_to_datetime(date) == NOW.replace(microsecond=0)
