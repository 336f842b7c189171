"""Python imports this module when it starts: sets the clock that tests/clock/__init__.py chose."""

import os
import time

import time_machine

time_machine.travel(time.time() + float(os.environ["TEST_CLOCK_AHEAD"]), tick=True).start()
