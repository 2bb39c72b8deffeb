/**
 * What HTML and htmx do not do by themselves; every page works without it. It says what happens to those who cannot see it, and
 * keeps the focus where the reader was.
 */
const RUN = "run";

function announce(text) {
  const live = document.getElementById("live");
  if (live !== null) live.textContent = text;
}

/** Whether a request asks the question; one of a part of the form that is gone by now ends on the form too. */
function asksQuestion({ requestConfig }) {
  return requestConfig?.elt?.id === "question-form";
}

let elapsedTimer;

/** While a question is under way: how long it has taken, and a way to give it up. */
function showWaiting(form, isWaiting) {
  clearInterval(elapsedTimer);
  const elapsed = form.querySelector("[data-elapsed]");
  const startedAt = performance.now();
  if (elapsed !== null) elapsed.textContent = "";
  if (isWaiting && elapsed !== null) {
    elapsedTimer = setInterval(() => {
      elapsed.textContent = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
    }, 100);
  }
  for (const button of form.querySelectorAll("[data-cancel]")) button.hidden = !isWaiting;
}

document.addEventListener("click", ({ target }) => {
  const button = target instanceof Element ? target.closest("[data-cancel]") : null;
  if (button === null) return;
  globalThis.htmx.trigger(document.getElementById(button.dataset.cancel), "htmx:abort");
  announce("Cancelled");
});

document.addEventListener("htmx:beforeRequest", ({ target, detail }) => {
  if (!asksQuestion(detail)) return;
  showWaiting(target, true);
  document.getElementById(RUN)?.setAttribute("aria-busy", "true");
  document.getElementById("notice")?.replaceChildren();
  document.getElementById("notice")?.classList.remove("error-note");
  announce("Computing");
});

document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  if (!asksQuestion(detail)) return;
  showWaiting(target, false);
  document.getElementById(RUN)?.removeAttribute("aria-busy");
});

document.addEventListener("htmx:beforeOnLoad", ({ detail }) => {
  // The view was changed while the answer was on its way: the answer goes where the view is now.
  if (!detail.target.isConnected) detail.target = document.getElementById(detail.target.id) ?? detail.target;
  // Views and checks of the answer before are not waited for any more.
  if (!asksQuestion(detail)) return;
  for (const id of [RUN, "form-check"]) globalThis.htmx.trigger(`#${id}`, "htmx:abort");
});

/* What is typed while an answer is on its way stays, though the answer brings the field anew. */
let typed = null;

document.addEventListener("htmx:beforeSwap", () => {
  const field = document.activeElement;
  const isText = field instanceof HTMLInputElement && field.type === "text" && field.closest("#node-filter") !== null;
  typed = isText ? { id: field.id, value: field.value, start: field.selectionStart } : null;
});

function restoreTyped() {
  const field = typed === null ? null : document.getElementById(typed.id);
  if (field !== null) {
    field.focus({ preventScroll: true });
    if (field.value !== typed.value) {
      field.value = typed.value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    field.setSelectionRange(typed.start, typed.start);
  }
  typed = null;
}

/* Where the reader is stays in place, though what stands above becomes longer or shorter. */
let place = null;

document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
  const cards = target.id === RUN ? [...document.querySelectorAll(`#question-form, #${RUN} > section[id]`)] : [];
  const card = cards.find((each) => each.getBoundingClientRect().bottom > 0);
  place = card?.closest(`#${RUN}`) ? { id: card.id, top: card.getBoundingClientRect().top } : null;
});

function restorePlace() {
  const card = place === null ? null : document.getElementById(place.id);
  if (card !== null) globalThis.scrollBy({ top: card.getBoundingClientRect().top - place.top, behavior: "instant" });
  place = null;
}

document.addEventListener("htmx:afterSwap", ({ detail: { target, xhr, requestConfig } }) => {
  // A page that Back restores is swapped without a request of its own.
  if (xhr === undefined) return;
  if (xhr.status >= 400) {
    announce("The question was not answered: see the message");
    document.querySelector("[aria-invalid='true']")?.focus();
    return;
  }
  if (target?.id === "dialog") document.getElementById("dialog").showModal();
  restoreTyped();
  if (target?.id !== RUN) return;
  restorePlace();
  if (requestConfig?.verb === "get") {
    // Another view of an answer that is about to be replaced.
    const isWaiting = document.getElementById("question-form")?.classList.contains("htmx-request");
    if (isWaiting) document.getElementById(RUN)?.setAttribute("aria-busy", "true");
    announce(document.querySelector("#nodes .fine-print")?.textContent ?? "Shown");
    return;
  }
  announce("The answer is here");
  // A form that was refused before is right now, and what was said of its edits is past.
  for (const message of document.querySelectorAll(".field-message, .form-messages")) message.remove();
  for (const field of document.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  document.querySelector("#form-check .stale-mark")?.remove();
  document.getElementById("form-check")?.removeAttribute("data-stale");
  // Who works in a row by keys goes on there.
  if (document.activeElement?.closest(".node-row") !== null) return;
  document.getElementById("summary-title")?.focus({ preventScroll: true });
});

/* Where a swap took away what had the focus, the table keeps it. */
document.addEventListener("htmx:afterSettle", ({ detail: { requestConfig } }) => {
  if (document.activeElement !== document.body || requestConfig?.verb !== "get") return;
  if (requestConfig.elt?.closest?.("#nodes") !== null) {
    document.getElementById("nodes-title")?.focus({ preventScroll: true });
  }
});

document.addEventListener("click", ({ target }) => {
  if (target instanceof Element && target.closest("[data-close-dialog]") !== null) {
    document.getElementById("dialog")?.close();
  }
});

/* htmx could not reach the server at all: say so in the place of errors. */
document.addEventListener("htmx:sendError", () => {
  const notice = document.getElementById("notice");
  if (notice === null) return;
  notice.textContent = "The server cannot be reached. What is on this page stays; try again when it runs.";
  notice.className = "error-note";
  announce("The server cannot be reached");
});

/* Copy buttons need a script and a page that may use the clipboard (https or this machine); else they stay hidden. */
function showCopyButtons() {
  for (const button of document.querySelectorAll("dialog [data-close-dialog]")) button.hidden = false;
  if (navigator.clipboard === undefined) return;
  for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
}

showCopyButtons();
document.addEventListener("htmx:afterSettle", showCopyButtons);
document.addEventListener("click", async ({ target }) => {
  const button = target instanceof Element ? target.closest("button[data-copy]") : null;
  if (button === null) return;
  const text = document.getElementById(button.dataset.copy)?.textContent ?? "";
  const said = await navigator.clipboard.writeText(text).then(() => "Copied", () => "Copying was refused");
  button.textContent = said;
  announce(said);
});
