"""How many requests may be made in a minute, over all processes.

A budget has slots in the database, and each slot is used at most once a minute. So no minute,
wherever it begins, holds more requests than the budget has slots.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.ledger.models import RequestSlot
from reconciler.ledger.sync.schedule import older

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Budget:
    """At most ``size`` requests in any minute."""

    name: str
    size: int

    def left(self, now: datetime) -> int:
        """Return how many requests may be made at once."""
        slots = RequestSlot.objects.filter(budget=self.name, number__lt=self.size)
        used = slots.values_list("used_at", flat=True)
        return self.size - sum(not older(moment, MINUTE, now) for moment in used)

    def spend(self, now: datetime) -> bool:
        """Use up one request of the budget; return False if none is left."""
        slots = RequestSlot.objects.filter(budget=self.name)
        used = dict(slots.values_list("number", "used_at"))
        for number in range(self.size):
            if number in used and not older(used[number], MINUTE, now):
                continue
            if number not in used:
                new = RequestSlot(budget=self.name, number=number)
                RequestSlot.objects.bulk_create([new], ignore_conflicts=True)
            # Of two processes that saw the same free slot one gets it.
            if slots.filter(number=number, used_at=used.get(number)).update(used_at=now):
                return True
        return False


#: Names that people look up and the ledger does not know.
LOOK_UPS = Budget("look-up", 20)
#: What the watcher asks of the OMS order index.
VERDICTS = Budget("verdicts", 4)
#: What people ask of it with "Check now".
CHECKS = Budget("check now", 20)
