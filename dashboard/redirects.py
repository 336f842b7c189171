"""Where a form leads to."""

from django.http import HttpResponseRedirect


class SeeOther(HttpResponseRedirect):
    """A page to look at after something was done (303)."""

    status_code = 303
