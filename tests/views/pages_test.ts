/** What every page must have, whatever it shows; the pages come through the app, filled by the fake engine. */
import assert from "node:assert/strict";
import { HEAT_STEPS, heatClass } from "../../views/heat.ts";
import { allPages, HTMX_ATTRIBUTES } from "../support/all_pages.ts";
import { parsePage, testApp } from "../support/test_app.ts";

/** Every kind of page, and what a refused question looks like. */
async function pages(): Promise<ReadonlyMap<string, Document>> {
  const app = testApp();
  const found = new Map<string, Document>();
  for (const [name, path] of await allPages(app)) found.set(name, parsePage(await (await app.send(path)).text()));
  found.set("refused", parsePage(await (await app.postForm("/runs", [["prompt", ""]])).text()));
  return found;
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
