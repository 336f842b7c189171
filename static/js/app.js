// What script adds to pages that work without it. No page depends on this file.
"use strict";

// What lies over the page: Escape and a click beside it close it.
const openMenu = "details:is(.menu, .facets--folded)[open]";

// One list is asked for at a time (hx-sync). What one chose or typed meanwhile is not lost: a field
// changes the address that is on its way, and a link takes along what stands in the search.
let onItsWay = null;
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (detail.elt.closest("#list")) onItsWay = detail.pathInfo.finalRequestPath;
});
for (const end of ["htmx:afterOnLoad", "htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(end, ({ detail }) => {
    if (detail.pathInfo?.finalRequestPath === onItsWay) onItsWay = null;
    // What was searched is no news any more.
    if (detail.elt?.id === "q") detail.elt.defaultValue = detail.requestConfig.formData.get("q") ?? "";
  });
}
const changeWhatIsOnItsWay = ({ formData, triggeringEvent }) => {
  const fields = [...new Set(["q", triggeringEvent?.target?.name ?? "q"])];
  const changed = fields.map((name) => [name, formData.get(name) ?? ""]);
  for (const name of new Set(formData.keys())) formData.delete(name);
  for (const [name, value] of new URL(onItsWay, location.href).searchParams) formData.append(name, value);
  for (const [name, value] of changed) formData.set(name, value);
};
const takeSearchAlong = (detail) => {
  const search = document.getElementById("q");
  if (!search || search.value.trim() === search.defaultValue.trim()) return;
  const url = new URL(detail.path, location.href);
  if (search.value.trim()) url.searchParams.set("q", search.value.trim());
  else url.searchParams.delete("q");
  detail.path = url.pathname + url.search;
};
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (!detail.elt.closest("#list")) return;
  if (detail.elt.closest(".filters")) {
    if (onItsWay && detail.triggeringEvent?.type !== "submit") changeWhatIsOnItsWay(detail);
  } else if (!detail.elt.closest(".chips, .state")) takeSearchAlong(detail);
});

// Letters typed while a list comes are put into its search, which goes on from there.
let typed = null;
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const search = document.getElementById("q");
  // Links that take filters away mean the search too.
  const isReplaced = detail.target.id === "list" && !detail.requestConfig.elt.closest(".chips, .state");
  typed = search && isReplaced && search.value !== search.defaultValue ? search.value : null;
});
document.addEventListener("htmx:afterSettle", () => {
  const search = document.getElementById("q");
  if (!search || typed === null || search.value === typed) return;
  search.value = typed;
  typed = null;
  search.dispatchEvent(new Event("input", { bubbles: true }));
});

// Blank fields do not belong into an address.
document.addEventListener("htmx:configRequest", (event) => {
  const { formData } = event.detail;
  for (const name of new Set(formData.keys())) {
    if (formData.getAll(name).every((value) => String(value).trim() === "")) formData.delete(name);
  }
  // Typing begins a new list: its first page.
  formData.delete("page");
  // Days beat a period: whoever chooses a period does not mean them any more.
  if (event.detail.triggeringEvent?.target?.id === "period") {
    formData.delete("from");
    formData.delete("to");
  }
});

// Typing changes the address, but not this form: its query is the address's.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-keeps-query]");
  if (form) form.action = form.getAttribute("action").split("?")[0] + location.search;
});

// A drawer, or the menu of columns, that stands open stays open when its part of the page is replaced.
const drawers = "details[id]:is(:not(.menu), .columns-menu)";
// What had the focus in it has it again: a drawer that is closed cannot take it. Where it is gone,
// the chip in its place has the focus, or the number of what was found.
const chips = () => [...document.querySelectorAll(".chip__remove")];
let open = [];
let focused = null;
document.addEventListener("htmx:beforeSwap", () => {
  open = [...document.querySelectorAll(drawers)].filter((drawer) => drawer.open).map((d) => d.id);
  const element = document.activeElement;
  focused = element === document.body ? null : { id: element.id, chip: chips().indexOf(element) };
});
document.addEventListener("htmx:afterSettle", () => {
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (!focused || document.activeElement !== document.body) return;
  const next = focused.chip < 0 ? null : chips().at(Math.min(focused.chip, chips().length - 1));
  const total = document.querySelector(".found__total");
  if (total) total.tabIndex = -1;
  ((focused.id && document.getElementById(focused.id)) || next || total)?.focus({ preventScroll: true });
});

// Where the tabs need more room than there is, the current one is in sight.
const showCurrentTab = () => {
  const tab = document.querySelector("#views [aria-current]");
  if (!tab) return;
  const strip = document.getElementById("views");
  const beyond = tab.getBoundingClientRect().right - strip.getBoundingClientRect().right;
  if (beyond > 0) strip.scrollLeft += beyond;
};
document.addEventListener("htmx:afterSettle", showCurrentTab);
showCurrentTab();

// A long facet is searched where it stands.
const showSearch = () => {
  for (const field of document.querySelectorAll("[data-narrows][hidden]")) field.hidden = false;
};
document.addEventListener("htmx:afterSettle", showSearch);
showSearch();
document.addEventListener("input", (event) => {
  const facet = event.target.matches?.("[data-narrows]") && event.target.closest(".facet");
  if (!facet) return;
  const wanted = event.target.value.trim().toLowerCase();
  if (wanted) facet.querySelector("details")?.setAttribute("open", "");
  const items = [...facet.querySelectorAll("li")];
  for (const item of items) {
    const text = item.querySelector(".facet__text");
    item.hidden = !`${text.textContent} ${text.title}`.toLowerCase().includes(wanted);
  }
  facet.querySelector("[data-nothing]").hidden = items.some((item) => !item.hidden);
});

// What one searches for in a facet stays when a value of it is chosen.
let searched = [];
document.addEventListener("htmx:beforeSwap", () => {
  const fields = [...document.querySelectorAll("[data-narrows]")].filter((field) => field.value);
  searched = fields.map((field) => [field.closest(".facet").dataset.facet, field.value]);
});
document.addEventListener("htmx:afterSettle", () => {
  for (const [facet, text] of searched) {
    const field = document.querySelector(`[data-facet="${facet}"] [data-narrows]`);
    if (!field || field.value) continue;
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
});

// The key in an order's address opens its page to anybody: it is not sent.
document.addEventListener("submit", (event) => {
  const field = event.target.querySelector?.("#lookup");
  if (field) field.value = field.value.replace(/(https?:\/\/[^\s?#]+|[\w-]+(?:\.[\w-]+)+(?::\d+)?\/[^\s?#]*)[?#]\S*/gi, "$1");
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = event.target.closest?.(openMenu) ?? document.querySelector(openMenu);
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
      event.preventDefault(); // it has done its work: what is ticked stays so
    }
    return;
  }
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const lookup = document.getElementById("lookup");
    if (lookup) {
      event.preventDefault();
      lookup.focus();
      lookup.select();
    }
  }
});

// A menu with a text to write is opened to write it; Ctrl and Enter send what was written anywhere.
document.addEventListener("toggle", (event) => {
  if (event.target.matches?.(".menu[open]")) event.target.querySelector("textarea")?.focus();
}, true);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !event.target.matches?.("textarea")) return;
  // Of a form with several actions, the one of the menu that the text stands in.
  event.target.closest(".menu__panel--form, form")?.querySelector("button:not([type=button])")?.click();
});
// Enter in the field of a menu presses the button beside it, and none on a box: a form's first
// button would be pressed otherwise.
document.addEventListener("keydown", (event) => {
  const field = event.key === "Enter" && event.target.closest?.(".tick input, .bulk [name=all], [data-action] .menu__panel--form input");
  if (!field) return;
  event.preventDefault();
  field.closest(".menu__panel--form")?.querySelector("button").click();
});
// The bar is stuck to the foot of the window. A label's click would scroll to where it belongs.
document.addEventListener("click", (event) => {
  const box = event.target.closest?.(".bulk__all span")?.parentElement.querySelector("input");
  if (!box) return;
  event.preventDefault();
  box.checked = !box.checked;
  box.focus({ preventScroll: true });
});
// An empty note is refused here: the answer of the server would be a page without the ticks.
document.addEventListener("submit", (event) => {
  const text = event.submitter?.closest("[data-action=note]")?.querySelector("textarea");
  if (!text || text.value.trim()) return;
  event.preventDefault();
  text.setCustomValidity("Write something first.");
  text.reportValidity();
  text.setCustomValidity("");
});

document.addEventListener("click", async (event) => {
  for (const menu of document.querySelectorAll(openMenu)) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const label = button.querySelector("span");
  try {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    label.textContent = "Copied";
  } catch {
    label.textContent = "Select and copy";
  }
  setTimeout(() => (label.textContent = "Copy"), 2000);
});

const showButtons = () => {
  const need = "[data-copy], [data-print], [data-copy-names], [data-opens], [data-ticks-all]";
  for (const button of document.querySelectorAll(need)) button.hidden = false;
  showOpened();
};
// A button opens the drawer that it names, and says whether that stands open.
const showOpened = () => {
  for (const button of document.querySelectorAll("[data-opens]")) {
    button.ariaExpanded = Boolean(document.getElementById(button.dataset.opens)?.open);
  }
};
document.addEventListener("click", (event) => {
  const drawer = document.getElementById(event.target.closest?.("[data-opens]")?.dataset.opens);
  if (!drawer) return;
  drawer.open = !drawer.open;
  showOpened();
  if (drawer.open) drawer.querySelector("a")?.focus();
});
document.addEventListener("htmx:afterSettle", showButtons);
showButtons();

document.addEventListener("click", async (event) => {
  if (event.target.closest?.("[data-print]")) window.print();
  const button = event.target.closest?.("[data-copy-names]");
  if (!button) return;
  const rows = document.querySelectorAll("tr[data-order-id]:has(.tick :checked)");
  const label = button.querySelector("span");
  try {
    await navigator.clipboard.writeText([...rows].map((row) => row.dataset.orderName).join("\n"));
    label.textContent = "Copied";
  } catch {
    label.textContent = "Not allowed";
  }
  setTimeout(() => (label.textContent = "Copy names"), 2000);
});

// A box in the head ticks the whole page; Escape unticks it.
const boxes = () => [...document.querySelectorAll("tbody .tick input")];
document.addEventListener("change", (event) => {
  if (!event.target.matches?.("[data-tick-all]")) return;
  for (const box of boxes()) box.checked = event.target.checked;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  if (event.target.closest?.("input:not([type=checkbox]), textarea, select")) return;
  for (const box of [...boxes(), ...document.querySelectorAll("[data-tick-all], .bulk [name=all]")]) box.checked = false;
});

// A click anywhere in a row opens the order, as its link does; text can still be selected.
const openRow = (event) => {
  const link = event.target.closest?.("tr[data-order-id]")?.querySelector(".order-name");
  if (!link || event.target.closest("a, button, input, label, summary")) return;
  if (event.type === "auxclick" ? event.button !== 1 : !getSelection().isCollapsed) return;
  const apart = event.type === "auxclick" || event.ctrlKey || event.metaKey || event.shiftKey;
  if (apart) window.open(link.href, "_blank", "noopener");
  else link.click();
};
document.addEventListener("click", openRow);
document.addEventListener("auxclick", openRow);

// Keys (they are listed by "?"). None fires while one types, holds a modifier, or a menu is open.
const orderLinks = () => [...document.querySelectorAll("tr[data-order-id] .order-name")];
const step = (by) => {
  const links = orderLinks();
  const row = document.activeElement.closest("tr[data-order-id]");
  const here = links.findIndex((link) => row?.contains(link));
  const next = here < 0 ? (by > 0 ? 0 : links.length - 1) : here + by;
  links[next]?.focus();
  links[next]?.closest("tr").scrollIntoView({ block: "nearest" });
};
// Whoever goes back to a list, or acted on it, stands on the row that they left it by, or on the one
// that took its place.
const here = () => location.pathname + location.search;
const leave = (link) => {
  if (link) sessionStorage.setItem("left", JSON.stringify([here(), link.id, orderLinks().indexOf(link)]));
};
document.addEventListener("click", ({ target }) => leave(target.closest?.(".order-name")));
let stood = null;
document.addEventListener("focusin", ({ target }) => {
  stood = target.closest?.("tr[data-order-id]")?.querySelector(".order-name") ?? stood;
});
document.addEventListener("submit", ({ target }) => {
  if (target.id === "bulk") leave(document.querySelector("tr:has(.tick :checked) .order-name") ?? stood);
  else if (target.matches("[data-action=undo]")) leave(stood);
});
const comeBack = () => {
  const [list, id, place] = JSON.parse(sessionStorage.getItem("left") ?? "[]");
  const goesBack = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  if (list !== here() || !(goesBack || document.querySelector(".toast"))) return;
  const last = orderLinks().length - 1;
  (document.getElementById(id) ?? orderLinks().at(Math.min(place, last)))?.focus({ preventScroll: goesBack });
  sessionStorage.removeItem("left");
};
comeBack();
const keys = {
  j: () => step(1),
  k: () => step(-1),
  a: () => document.querySelector(".bulk summary")?.focus(),
  x: () => document.activeElement.closest("tr[data-order-id]")?.querySelector(".tick input")?.click(),
  ArrowLeft: () => document.querySelector(".crumbs__pair a[rel=prev]")?.click(),
  ArrowRight: () => document.querySelector(".crumbs__pair a[rel=next]")?.click(),
  "?": () => document.getElementById("keys")?.showModal(),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
  const busy = "input:not([type=checkbox]), textarea, select, [contenteditable], [tabindex='0'], dialog";
  if (event.target.closest?.(busy) || document.querySelector(`${openMenu}, dialog[open]`)) return;
  keys[event.key]();
});

// The trust line tells the present also on a page that stays open. A hidden page asks for nothing,
// and asks at once when it is seen again. Who is gone, we or the session, is told in its place.
const lost = document.getElementById("trust-lost");
let lostSince = null;
const tellLost = (words) => {
  lostSince ??= new Date();
  const zone = { timeZone: lost.dataset.zone, hour12: false };
  lost.querySelector("[data-since]").textContent = lostSince.toLocaleTimeString("en-GB", zone);
  for (const text of lost.querySelectorAll("[data-words]")) text.hidden = text.dataset.words !== words;
  document.getElementById("trust").hidden = true;
  lost.hidden = false;
};
// Counts on the tabs follow too; new orders are told, but rows never move by themselves.
const tellNews = (list, told) => {
  for (const item of told.querySelectorAll("[data-tab]")) {
    const count = document.querySelector(`#${item.dataset.tab} .tab__count`);
    if (count) count.textContent = item.textContent;
  }
  const link = told.querySelector("[data-new]");
  const shown = list.querySelector("[data-new]");
  if (link?.dataset.new === shown?.dataset.new) return;
  list.replaceChildren(...(link ? [link] : []));
  htmx.process(list);
};
const refreshTrust = async () => {
  if (document.hidden) return;
  const list = document.querySelector("[data-after-attempt]");
  const query = new URLSearchParams(list ? location.search : "");
  if (list) query.set("after_attempt", list.dataset.afterAttempt);
  let answer;
  try {
    answer = await fetch(`${lost.dataset.url}?${query}`, {
      headers: { "HX-Request": "true" },
      signal: AbortSignal.timeout(10_000),
    });
  } catch {
    tellLost("lost");
    return;
  }
  if (answer.headers.has("HX-Redirect")) {
    tellLost("signed-out");
    return;
  }
  const told = new DOMParser().parseFromString(await answer.text(), "text/html");
  const line = told.getElementById("trust");
  if (!line) {
    tellLost("lost");
    return;
  }
  const old = document.getElementById("trust");
  const isFocused = old.contains(document.activeElement);
  old.replaceWith(line);
  if (isFocused) line.querySelector("a").focus();
  lost.hidden = true;
  lostSince = null;
  if (list?.isConnected) tellNews(list, told);
};
if (lost) {
  // However short our interval is: pages need not follow by the second.
  setInterval(refreshTrust, Math.max(5, lost.dataset.seconds) * 1000);
  document.addEventListener("visibilitychange", refreshTrust);
}
