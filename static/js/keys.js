/**
 * Single keys for those who work through many rows. They only press what is on the page, do nothing while one types, and can be switched
 * off on the help page; with them goes the one key that is for typing.
 */
function rows() {
  return [...document.querySelectorAll(".node-row")];
}

/** The row that has the focus, or whose details have it. */
function currentRow() {
  const row = document.activeElement?.closest(".node-row, .detail-row") ?? null;
  return row?.classList.contains("detail-row") ? row.previousElementSibling : row;
}

function moveBy(step) {
  const all = rows();
  const place = all.indexOf(currentRow());
  const next = place < 0 ? (step > 0 ? 0 : all.length - 1) : place + step;
  all[Math.max(0, Math.min(next, all.length - 1))]?.querySelector(".expander")?.focus();
}

/** Does something with a row's details, which are opened first where they are closed. */
function withDetails(act) {
  const row = currentRow();
  if (row === null) return;
  if (row.dataset.open === "true") return act(row.nextElementSibling);
  const { ref } = row.dataset;
  document.addEventListener("htmx:afterSettle", () => {
    const opened = rows().find((other) => other.dataset.ref === ref);
    if (opened?.dataset.open === "true") act(opened.nextElementSibling);
  }, { once: true });
  row.querySelector(".expander").click();
}

/** Asks the form's question again with one change, as the buttons of the details do. */
function change(words) {
  const form = document.getElementById("question-form");
  if (form === null) return;
  const button = document.createElement("button");
  Object.assign(button, { type: "submit", name: "change", value: words, hidden: true });
  form.append(button);
  button.click();
  button.remove();
}

function follow(selector) {
  document.querySelector(selector)?.click();
}

const KEYS = {
  j: () => moveBy(1),
  k: () => moveBy(-1),
  a: () => {
    const row = currentRow();
    // What a dictionary leaves out cannot be changed: its row has no name for changes.
    if (row?.dataset.name !== undefined) change(`ablate ${row.dataset.name}`);
  },
  t: () => withDetails((details) => details?.querySelector("button[value^='trace']")?.focus()),
  p: () => withDetails((details) => details?.querySelector("[data-pin]")?.click()),
  g: () => follow("[data-circuit]"),
  "/": () => document.getElementById("filter-q")?.focus(),
  "[": () => follow("a[rel=prev]"),
  "]": () => follow("a[rel=next]"),
  "?": () => follow("[data-help]"),
};

document.addEventListener("keydown", (event) => {
  const { key, target, ctrlKey, metaKey, altKey } = event;
  if (ctrlKey || metaKey || altKey || document.body.dataset.keys === "off") return;
  if (target instanceof Element && target.closest("input, textarea, select, dialog") !== null) return;
  const act = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
  if (act === undefined) return;
  event.preventDefault();
  act();
});

/* Ctrl or ⌘ with Enter, in a text that says so, sends the text as its button does. */
document.addEventListener("keydown", (event) => {
  const { key, target, ctrlKey, metaKey, isComposing } = event;
  if (key !== "Enter" || !(ctrlKey || metaKey) || isComposing || document.body.dataset.keys === "off") return;
  const field = target instanceof Element ? target.closest("textarea[aria-keyshortcuts]") : null;
  if (field === null) return;
  event.preventDefault();
  field.form.requestSubmit();
});
