"""Lists of order names too long for an address: kept, and named by a short one."""

import hashlib

from django.utils import timezone

from dashboard.filtering.fields import NamesField
from dashboard.filtering.query import Query
from dashboard.models import PastedList

#: Names of more characters together are kept; fewer stand in the address itself.
LONGEST_WRITTEN = 500
#: Only so many lists are kept, the latest ones.
MOST_KEPT = 1000


def holding(query: Query, text: str) -> Query:
    """Return the query that asks for these names, and keep them if they are many.

    Raises ValidationError.
    """
    names = NamesField(required=False).clean(text)
    query = query.without("order", "pasted")
    written = ",".join(names)
    if len(written) <= LONGEST_WRITTEN:
        return query.with_("order", written)
    return query.with_("pasted", _kept(names))


def _kept(names: tuple[str, ...]) -> str:
    text = "\n".join(names)
    slug = hashlib.sha256(text.encode()).hexdigest()[:12]
    PastedList.objects.update_or_create(
        slug=slug, defaults={"names": text, "pasted_at": timezone.now()}
    )
    latest = PastedList.objects.order_by("-pasted_at").values("pk")[:MOST_KEPT]
    PastedList.objects.exclude(pk__in=list(latest.values_list("pk", flat=True))).delete()
    return slug
