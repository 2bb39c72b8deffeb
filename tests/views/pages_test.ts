/** What every page must have, whatever it shows; the pages come through the app, filled by the fake engine. */
import assert from "node:assert/strict";
import { HEAT_STEPS, heatClass } from "../../views/heat.ts";
import { demoForm, parsePage, testApp } from "../support/test_app.ts";

/** htmx attributes that these pages use; a typing error in one does not fail to compile. */
const HTMX_ATTRIBUTES = new Set([
  "hx-get",
  "hx-post",
  "hx-target",
  "hx-swap",
  "hx-sync",
  "hx-push-url",
  "hx-disabled-elt",
]);

const PAIR: readonly (readonly [string, string])[] = [
  ...demoForm(),
  ["prompt", "Then, Mary and John went to the store. Mary gave a drink to"],
  ["target.1", " John"],
  ["distractor.1", " Mary"],
];

/** Every kind of page. */
async function pages(): Promise<ReadonlyMap<string, Document>> {
  const { send, postForm } = testApp();
  const read = async (answer: Response) => parsePage(await answer.text());
  const runPage = async (form: readonly (readonly [string, string])[]) =>
    read(await send((await postForm("/runs", [...form])).headers.get("Location") ?? ""));
  return new Map([
    ["landing", await read(await send("/"))],
    ["debugger", await read(await send("/debugger"))],
    ["run", await runPage(demoForm())],
    ["pair", await runPage(PAIR)],
    ["refused", await read(await postForm("/runs", [["prompt", ""]]))],
    ["missing", await read(await send("/runs/nothing"))],
  ]);
}

Deno.test("every page", async (t) => {
  for (const [name, page] of await pages()) {
    await t.step(name, () => {
      const all = [...page.querySelectorAll("*")];
      const ids = all.map(({ id }) => id).filter((id) => id !== "");
      assert.deepEqual(ids.filter((id, index) => ids.indexOf(id) !== index), [], "ids are unique");
      for (const element of all) {
        for (const { name: attributeName, value } of element.attributes) {
          assert.ok(!attributeName.startsWith("hx-") || HTMX_ATTRIBUTES.has(attributeName), attributeName);
          assert.doesNotMatch(attributeName, /^(style$|on)/, "no inline style or script");
          if (attributeName === "hx-target") assert.ok(ids.includes(value.slice(1)), `target ${value} is there`);
          if (/^(for|aria-describedby|aria-labelledby)$/.test(attributeName)) {
            for (const id of value.split(" ")) assert.ok(ids.includes(id), `${attributeName}=${id} is there`);
          }
        }
      }
      assert.equal(page.querySelectorAll("h1").length, 1);
      assert.equal(page.documentElement.getAttribute("lang"), "en");
      assert.equal(page.querySelector("#live")?.getAttribute("aria-live"), "polite");
      for (const table of page.querySelectorAll("table")) {
        assert.deepEqual([...table.querySelectorAll("th:not([scope])")], [], "headers have a scope");
        const widths = [...table.querySelectorAll("tr")].map((tr) =>
          [...tr.children].reduce((sum, cell) => sum + Number(cell.getAttribute("colspan") ?? 1), 0)
        );
        assert.equal(new Set(widths).size, 1, `rows are equally wide: ${[...new Set(widths)]}`);
      }
    });
  }
});

Deno.test("Enter asks the question: the first button of the form is Run", async () => {
  const form = (await pages()).get("pair")?.querySelector("#question-form");
  const first = form?.querySelector("button");
  assert.equal(first?.getAttribute("value"), "run");
  assert.equal(first?.hasAttribute("formaction"), false);
});

Deno.test("of two prompts, the tokens that differ are marked in words too", async () => {
  const page = (await pages()).get("pair");
  assert.match(page?.querySelector("[data-different]")?.textContent ?? "", /differs/);
});

Deno.test("the style sheet has a rule for every shade", async () => {
  const css = await Deno.readTextFile(new URL("../../static/css/40_heat.css", import.meta.url));
  for (let step = -HEAT_STEPS; step <= HEAT_STEPS; step++) {
    assert.ok(css.includes(`.${heatClass(step, HEAT_STEPS)} {`), heatClass(step, HEAT_STEPS));
  }
});
