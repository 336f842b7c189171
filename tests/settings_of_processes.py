"""Settings of the processes that tests start: the product's, with static files apart from its own."""

import os

from reconciler.settings import *  # noqa: F403

STATIC_ROOT = os.environ["TEST_STATIC_ROOT"]
