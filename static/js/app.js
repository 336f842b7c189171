// What script adds to pages that work without it. No page depends on this file.
"use strict";

// Blank fields do not belong into an address.
document.addEventListener("htmx:configRequest", (event) => {
  const { formData } = event.detail;
  for (const name of new Set(formData.keys())) {
    if (formData.getAll(name).every((value) => String(value).trim() === "")) formData.delete(name);
  }
  // Typing begins a new list: its first page.
  formData.delete("page");
});

// Typing changes the address, but not this form: its query is the address's.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-keeps-query]");
  if (form) form.action = form.getAttribute("action").split("?")[0] + location.search;
});

// A drawer that stands open stays open when its part of the page is replaced.
const drawers = "details[id]:not(.menu)";
let open = [];
document.addEventListener("htmx:beforeSwap", () => {
  open = [...document.querySelectorAll(drawers)].filter((drawer) => drawer.open).map((d) => d.id);
});
document.addEventListener("htmx:afterSettle", () => {
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
});

// A long facet is searched where it stands.
const showSearch = () => {
  for (const field of document.querySelectorAll("[data-narrows][hidden]")) field.hidden = false;
};
document.addEventListener("htmx:afterSettle", showSearch);
showSearch();
document.addEventListener("input", (event) => {
  const list = document.getElementById(event.target.dataset?.narrows ?? "");
  if (!list) return;
  const wanted = event.target.value.trim().toLowerCase();
  for (const item of list.children) item.hidden = !item.textContent.toLowerCase().includes(wanted);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = event.target.closest?.("details.menu[open]") ?? document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
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

document.addEventListener("click", async (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
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

for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
