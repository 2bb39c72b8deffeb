/** Every link, form and hx attribute of every page leads to a route that answers; targets exist; ids are unique. */
import assert from "node:assert/strict";
import { demoForm, parsePage, testApp } from "./support/test_app.ts";

const HX_NAMES = /^hx-(get|post|target|swap|sync|disabled-elt|push-url)$/;

Deno.test("the pages hold together", async (t) => {
  const app = testApp();
  const asked = await app.postForm("/runs", demoForm());
  const run = asked.headers.get("Location") ?? "";
  const pair = await app.postForm("/runs", demoForm(["prompt", "Mary gave"], ["target.1", " a"]));
  const pages = [
    "/",
    "/debugger",
    run,
    `${run}?sort=activation&dir=asc`,
    pair.headers.get("Location") ?? "",
    `${run}/node?ref=mlp/1/7@0`,
    "/runs/none",
  ];
  const checked = new Set<string>();
  for (const path of pages) {
    await t.step(path.replace(/[0-9a-f]{16}/, "ID"), async () => {
      const document = parsePage(await (await app.send(path)).text());
      const elements = [...document.querySelectorAll("*")];
      const ids = elements.map(({ id }) => id).filter((id) => id !== "");
      assert.deepEqual(ids.filter((id, index) => ids.indexOf(id) !== index), [], "ids are unique");

      for (const element of elements) {
        for (const name of element.getAttributeNames().filter((htmlAttribute) => htmlAttribute.startsWith("hx-"))) {
          assert.match(name, HX_NAMES);
        }
        const target = element.getAttribute("hx-target");
        if (target !== null) {
          assert.ok(target.startsWith("#") && document.querySelector(target) !== null, `target ${target} exists`);
        }
        for (const name of ["aria-describedby", "aria-labelledby", "for"]) {
          for (const id of element.getAttribute(name)?.split(" ") ?? []) {
            assert.ok(ids.includes(id), `${name} ${id} exists`);
          }
        }
        const linked = element.getAttribute("href") ?? element.getAttribute("src") ?? element.getAttribute("hx-get");
        if (linked?.startsWith("/") && !checked.has(linked)) {
          checked.add(linked);
          const { status, headers } = await app.send(linked);
          assert.equal(status, 200, `GET ${linked}`);
          assert.ok(headers.get("Content-Type") !== null);
          if (element.hasAttribute("hx-get")) {
            const fragment = await app.send(linked, {
              headers: { "HX-Request": "true", "HX-Target": element.getAttribute("hx-target")?.slice(1) ?? "" },
            });
            assert.equal(fragment.status, 200);
            assert.doesNotMatch(await fragment.text(), /<html/, `${linked} answers htmx with a fragment`);
            assert.match(fragment.headers.get("Vary") ?? "", /HX-Request/);
          }
        }
        const action = element.getAttribute("hx-post") ?? element.getAttribute("formaction") ??
          element.getAttribute("action");
        if (action !== null) {
          const { status } = await app.postForm(action, []);
          assert.ok([200, 303, 422].includes(status), `POST ${action} answers ${status}`);
        }
      }
    });
  }
  assert.ok(checked.size > 20, `${checked.size} links were followed`);
});
