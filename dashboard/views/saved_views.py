"""Saving the filters of the list as a view, and what one does with a view."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from dashboard.accounts import SHARE_VIEWS, WORK_ON_ORDERS
from dashboard.filtering.query import Query
from dashboard.list_page import filter_form
from dashboard.models import SavedView
from dashboard.redirects import SeeOther
from dashboard.saved_views import MOST_VIEWS, kept, may_change, query_of, view_for
from dashboard.views.orders import orders_page
from reconciler import service

LIST = "dashboard:orders"


class ViewForm(forms.Form):
    """A view's name, and whether others see it."""

    name = forms.CharField(
        max_length=SavedView.LONGEST_NAME, error_messages={"required": "Give the view a name."}
    )
    shared = forms.BooleanField(required=False)

    def __init__(self, data: Any, owner: Any, view: SavedView | None = None) -> None:
        super().__init__(data)
        others = SavedView.objects.filter(owner=owner)
        self.others = others.exclude(pk=view.pk) if view else others

    def clean_name(self) -> str:
        """Return a name that no other view of the owner has."""
        name: str = self.cleaned_data["name"]
        if self.others.filter(name=name).exists():
            raise forms.ValidationError("You have a view of that name already.")
        if self.others.count() >= MOST_VIEWS:
            raise forms.ValidationError(f"At most {MOST_VIEWS} views; delete one first.")
        return name


@require_http_methods(["GET", "HEAD", "POST"])
def save(request: HttpRequest) -> HttpResponse:
    """Save the filters of the query string under a name."""
    query, user = Query.of(request.GET), _user(request)
    if request.method != "POST":
        return HttpResponseRedirect(query.url(reverse(LIST)))
    _require(user, WORK_ON_ORDERS)
    form = ViewForm(request.POST, user)
    if not (form.is_valid() and filter_form(request, query).is_valid()):
        told = next(iter(form.errors.values()), ["These filters cannot be read."])
        return orders_page(request, query, 400, notice=told[0])
    if form.cleaned_data["shared"]:
        _require(user, SHARE_VIEWS)
    name, shared = form.cleaned_data["name"], form.cleaned_data["shared"]
    try:
        return _opened(_create(request, name, kept(query).encode(), shared=shared))
    except forms.ValidationError as error:
        return orders_page(request, query, 400, notice=error.messages[0])


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Rename a view, keep other filters in it, delete it, make it one's default, or copy it."""
    query, view, user = Query.of(request.GET), view_for(request, pk), _user(request)
    if view is None:
        raise Http404("There is no such view.")
    if request.method != "POST":
        return HttpResponseRedirect(query.url(reverse(LIST)))
    _require(user, WORK_ON_ORDERS)
    if verb != "duplicate" and not may_change(user, view):
        raise PermissionDenied
    try:
        return VERBS[verb](request, view, query)
    except forms.ValidationError as error:
        return orders_page(request, query, 400, notice=error.messages[0])


def _rename(request: HttpRequest, view: SavedView, query: Query) -> HttpResponse:
    form = ViewForm(request.POST, view.owner, view)
    if not form.is_valid():
        raise forms.ValidationError(next(iter(form.errors.values()))[0])
    shared = form.cleaned_data["shared"] if "shared" in request.POST else view.shared
    if shared and not view.shared:
        _require(_user(request), SHARE_VIEWS)
    before, view.name, view.shared = view.name, form.cleaned_data["name"], shared
    _change(view, name=view.name, shared=shared)
    _tell(request, view, before, view.name)
    return _opened(view)


def _update(request: HttpRequest, view: SavedView, query: Query) -> HttpResponse:
    if not filter_form(request, query).is_valid():
        raise forms.ValidationError("These filters cannot be read.")
    view.query = kept(query).encode()
    _change(view, query=view.query)
    _tell(request, view, view.name, view.name)
    return _opened(view)


def _delete(request: HttpRequest, view: SavedView, query: Query) -> HttpResponse:
    _tell(request, view, view.name, "")
    view.delete()
    messages.success(request, f"The view “{view.name}” is deleted.")
    # The filters stay as they are.
    return SeeOther(query.without("saved").with_("view", query.get("view") or "open").url(_list()))


def _default(request: HttpRequest, view: SavedView, query: Query) -> HttpResponse:
    user = _user(request)
    was = view.defaults_of.filter(pk=user.pk).exists()
    user.default_views.clear()
    if not was:
        view.defaults_of.add(user)
    return _opened(view)


def _duplicate(request: HttpRequest, view: SavedView, query: Query) -> HttpResponse:
    user, base = _user(request), f"{view.name[: SavedView.LONGEST_NAME - 12]}, copy"
    taken = set(SavedView.objects.filter(owner=user).values_list("name", flat=True))
    names = (base, *(f"{base} {n}" for n in range(2, MOST_VIEWS + 2)))
    form = ViewForm({"name": next(name for name in names if name not in taken)}, user)
    if not form.is_valid():
        raise forms.ValidationError(next(iter(form.errors.values()))[0])
    return _opened(_create(request, form.cleaned_data["name"], view.query))


VERBS = {
    "rename": _rename,
    "update": _update,
    "delete": _delete,
    "default": _default,
    "duplicate": _duplicate,
}


def _create(request: HttpRequest, name: str, query: str, *, shared: bool = False) -> SavedView:
    """Create a view. Raises ValidationError if another request did so meanwhile."""
    made = {"owner": _user(request), "name": name, "query": query, "shared": shared}
    try:
        with transaction.atomic():
            view = SavedView.objects.create(at=timezone.now(), **made)
    except IntegrityError:
        raise forms.ValidationError("You have a view of that name already.") from None
    _tell(request, view, "", name)
    return view


def _change(view: SavedView, **changes: object) -> None:
    """Write to a view. Raises Http404 if it is gone, and ValidationError if its name is taken."""
    try:
        with transaction.atomic():
            written = SavedView.objects.filter(pk=view.pk).update(**changes)
    except IntegrityError:
        raise forms.ValidationError("You have a view of that name already.") from None
    if not written:
        raise Http404("There is no such view.")


def _opened(view: SavedView) -> HttpResponse:
    return SeeOther(query_of(view).with_("saved", str(view.pk)).url(_list()))


def _list() -> str:
    return reverse(LIST)


def _user(request: HttpRequest) -> Any:
    return request.user


def _require(user: Any, permission: str) -> None:
    if not user.has_perm(permission):
        raise PermissionDenied


def _tell(request: HttpRequest, view: SavedView, before: str, after: str) -> None:
    actor = request.user.get_username()
    service.note_view(actor, before, after, timezone.now())
