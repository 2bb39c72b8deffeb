/**
 * An example on which a head is shown: the token that has the pointer or the focus recolours the others. Without this, each token is
 * a link to the page on which it is pinned, and looks there as it does here.
 *
 * `[data-pairs]` holds the links. Its values are written as `views/charts/pairs.ts` says, and marked in the same way.
 */
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LISTED = 4;

/** What a list of tokens says in its attributes, and how it looked before. */
const strips = new WeakMap();

/** The list that does not look as it did before; null if there is none. */
let shown = null;

function rowOf(text, exponent) {
  return (text.match(/\d+|[a-zA-Z]{2}/g) ?? []).flatMap((part) => {
    if (/\d/.test(part)) return new Array(Number(part)).fill(0);
    const code = LETTERS.indexOf(part[0]) * LETTERS.length + LETTERS.indexOf(part[1]);
    return [Number(`${code % 900 + 100}e${exponent - 2 - Math.floor(code / 900)}`)];
  });
}

function stripOf(list) {
  if (strips.has(list)) return strips.get(list);
  const { pairs, exponent, largest, mode } = list.dataset;
  const strip = {
    links: [...list.children],
    classes: [...list.children].map(({ className }) => className),
    readout: list.closest("[data-picture]").querySelector("[data-readout]"),
    pairs: pairs.split(";").map((row) => rowOf(row, Number(exponent))),
    largest: Number(largest),
    isOutgoing: mode === "outgoing",
  };
  strips.set(list, strip);
  return strip;
}

/** “4 ␣Mary is read by: 12 ␣gave 1.23 · 7 ␣and 0.4”. */
function sentence({ links, isOutgoing }, at, values) {
  const nameOf = (token) => `${token} ${links[token].textContent}`;
  const written = (value) => value < 0.0005 ? value.toExponential(1).replace("-", "\u2212") : String(value);
  const listed = values.map((value, token) => ({ value, token })).filter(({ value }) => value > 0)
    .sort((a, b) => b.value - a.value);
  const told = listed.slice(0, LISTED).map(({ value, token }) => `${nameOf(token)} ${written(value)}`).join(" · ");
  const rest = listed.length > LISTED ? ` and ${listed.length - LISTED} more` : "";
  return `${nameOf(at)} ${isOutgoing ? "is read by" : "reads"}: ${told || "hardly any token"}${rest}`;
}

/** Colours the others by what they have to do with one token, and says it. */
function show(link) {
  const list = link.parentElement;
  if (shown !== list) rest();
  shown = list;
  const { links, pairs, largest, isOutgoing, readout } = stripOf(list);
  const at = links.indexOf(link);
  const values = links.map((_, token) => (isOutgoing ? pairs[token]?.[at] : pairs[at]?.[token]) ?? 0);
  const strongest = Math.max(...values);
  links.forEach((other, token) => {
    const steps = [values[token], token === at ? strongest : 0].map((value) =>
      largest > 0 ? Math.min(10, Math.round(value / largest * 10)) : 0
    );
    const [reads, isRead] = isOutgoing ? steps : steps.toReversed();
    const marks = Object.entries({ in: reads, out: isRead, seq: steps[0] }).filter(([, step]) => step > 0);
    other.className = [...marks.map((mark) => mark.join("-")), ...(token === at ? ["at"] : [])].join(" ");
  });
  const text = sentence(stripOf(list), at, values);
  if (readout !== null) readout.textContent = text;
  return text;
}

/** The list looks as before. */
function rest() {
  if (shown === null) return;
  const { links, classes, readout } = stripOf(shown);
  links.forEach((link, token) => link.className = classes[token]);
  if (readout !== null) readout.textContent = "";
  shown = null;
}

const tokenAt = (target) => target instanceof Element ? target.closest("[data-pairs] > a") : null;

/** Of the tokens of a list, Tab leads to one; the arrow keys lead on from there. */
function setTabStops() {
  for (const list of document.querySelectorAll("[data-pairs]:not([data-ready])")) {
    list.dataset.ready = "true";
    const start = list.querySelector("[aria-current]") ?? list.firstElementChild;
    for (const link of list.children) link.tabIndex = link === start ? 0 : -1;
  }
}

setTabStops();
document.addEventListener("htmx:afterSettle", setTabStops);

document.addEventListener("pointerover", ({ target }) => {
  const link = tokenAt(target);
  const focused = tokenAt(document.activeElement);
  if (link !== null) show(link);
  else if (shown !== null && !shown.contains(target)) focused === null ? rest() : show(focused);
});

document.addEventListener("focusin", ({ target }) => {
  const link = tokenAt(target);
  if (link === null) rest();
  else link.setAttribute("aria-label", show(link));
});

document.addEventListener("keydown", (event) => {
  const link = tokenAt(event.target);
  if (link === null || event.ctrlKey || event.metaKey || event.altKey) return;
  const { parentElement: list, nextElementSibling: after, previousElementSibling: before } = link;
  const ends = { Home: list.firstElementChild, End: list.lastElementChild };
  const next = { ArrowRight: after, ArrowDown: after, ArrowLeft: before, ArrowUp: before, ...ends }[event.key] ?? null;
  if (next === null) return;
  event.preventDefault();
  link.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});
