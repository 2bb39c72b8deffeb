/**
 * What HTML and htmx do not do by themselves; every page works without it. It says what happens to those who cannot see it, and
 * keeps the focus where the reader was.
 */
const RUN = "run";

function announce(text) {
  const live = document.getElementById("live");
  if (live !== null) live.textContent = text;
}

function isQuestion(element) {
  return element?.id === "question-form";
}

document.addEventListener("htmx:beforeRequest", ({ target }) => {
  if (!isQuestion(target)) return;
  document.getElementById(RUN)?.setAttribute("aria-busy", "true");
  document.getElementById("notice")?.replaceChildren();
  document.getElementById("notice")?.classList.remove("error-note");
  announce("Computing");
});

document.addEventListener("htmx:afterRequest", ({ target }) => {
  if (isQuestion(target)) document.getElementById(RUN)?.removeAttribute("aria-busy");
});

document.addEventListener("htmx:afterSwap", ({ detail: { target, xhr } }) => {
  // A page that Back restores is swapped without a request of its own.
  if (xhr === undefined) return;
  if (xhr.status >= 400) {
    announce("The question was not answered: see the message");
    document.querySelector("[aria-invalid='true']")?.focus();
    return;
  }
  if (target?.id === RUN) {
    announce("The answer is here");
    // A form that was refused before is right now.
    for (const message of document.querySelectorAll(".field-message, .form-messages")) message.remove();
    for (const field of document.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    document.getElementById("summary-title")?.focus({ preventScroll: true });
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
