"""Settings of the processes that tests start: the product's, with files apart from its own."""

import os
from pathlib import Path

from reconciler.settings import *  # noqa: F403

#: The demo notes there when it was first started: at the hour of the suite, here.
VAR = Path(os.environ["TEST_VAR"])
STATIC_ROOT = os.environ["TEST_STATIC_ROOT"]
