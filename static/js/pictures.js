/**
 * Pictures that answer to the pointer and to the arrow keys. They hold the same without this: in titles, hidden texts and tables.
 *
 * A picture is `[data-picture]` with a `[data-readout]` in it; its `[data-roving]` holds the items, of which one at a time is a tab
 * stop: list items (`TokenHeat`), or cells with `data-v` in rows with `data-query` (`AttentionMatrix`).
 */
const ITEMS = "[data-roving] > li, [data-roving] [data-v]";

function itemAt(target) {
  return target instanceof Element ? target.closest(ITEMS) : null;
}

/** What an item says: “token 7 ␣Mary: +1.234”, “14 ␣to → 2 ␣Mary: 0.93”. */
function textOf(item) {
  if (item.dataset.v === undefined) {
    return `token ${item.value} ${item.firstChild.textContent}: ${item.lastChild.textContent.trim()}`;
  }
  const place = [...item.parentElement.children].indexOf(item);
  const key = item.closest("[data-picture]").querySelectorAll("[data-key]")[place];
  return `${item.parentElement.dataset.query} → ${key.dataset.key}: ${item.dataset.v}`;
}

function readOut(item) {
  const readout = item.closest("[data-picture]")?.querySelector("[data-readout]");
  if (readout) readout.textContent = textOf(item);
}

/** The item that a key leads to from another; null where the key is none of these, or at an edge. */
function neighbour(item, key) {
  const line = [...item.parentElement.children];
  const place = line.indexOf(item);
  const isCell = item.dataset.v !== undefined;
  if (key === "ArrowRight" || (key === "ArrowDown" && !isCell)) return line[place + 1] ?? null;
  if (key === "ArrowLeft" || (key === "ArrowUp" && !isCell)) return line[place - 1] ?? null;
  if (key === "Home") return line[0];
  if (key === "End") return line.at(-1);
  if (key === "ArrowDown") return item.parentElement.nextElementSibling?.children[place] ?? null;
  if (key === "ArrowUp") return item.parentElement.previousElementSibling?.children[place] ?? null;
  return null;
}

/** The link of the row that a cell belongs to. */
function rowLink(item) {
  const row = item.parentElement;
  const rows = [...row.parentElement.children];
  return item.closest("[data-picture]").querySelectorAll("a.query-label")[rows.indexOf(row)];
}

/** A picture that is wider than its place is first seen where the objective is read. */
function showObjectives() {
  for (const mark of document.querySelectorAll(".lens-grid thead [aria-current], .circuit-graph .objective-box")) {
    const frame = mark.closest(".table-scroll");
    if (frame === null || mark.dataset.shown === "true") continue;
    mark.dataset.shown = "true";
    frame.scrollLeft += mark.getBoundingClientRect().right + 60 - frame.getBoundingClientRect().right;
  }
}

showObjectives();
document.addEventListener("htmx:afterSettle", showObjectives);

document.addEventListener("pointerover", ({ target }) => {
  const item = itemAt(target);
  if (item !== null) readOut(item);
});

document.addEventListener("focusin", ({ target }) => {
  const item = itemAt(target);
  if (item === null) return;
  // A cell of a picture has no text of its own that could be read aloud.
  if (item.dataset.v !== undefined) {
    item.setAttribute("role", "img");
    item.setAttribute("aria-label", textOf(item));
  }
  readOut(item);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const item = itemAt(event.target);
  if (item === null) return;
  if (event.key === "Enter" && item.dataset.v !== undefined) {
    rowLink(item)?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    return;
  }
  const next = neighbour(item, event.key);
  if (next === null) return;
  event.preventDefault();
  item.removeAttribute("tabindex");
  next.setAttribute("tabindex", "0");
  next.focus();
});
