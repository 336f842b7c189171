"""What may stand in the query string of /activity/ (CONTRACTS.md, "Acting")."""

from dashboard.filtering.fields import LONGEST_LIST, DayField, NamesField, ValuesField
from dashboard.filtering.parameter import Parameter, Parameters
from dashboard.filtering.parameters import PAGE
from reconciler import service

#: The query string of /activity/.
ACTIVITY = Parameters(
    (
        Parameter(
            "kind", "What", lambda: ValuesField(dict(service.EventKind.choices)), repeatable=True
        ),
        Parameter("actor", "Who", ValuesField, repeatable=True),
        Parameter("order", "Order", lambda: NamesField(required=False), longest=LONGEST_LIST),
        Parameter("from", "From", DayField),
        Parameter("to", "To", DayField),
        PAGE,
    )
)
