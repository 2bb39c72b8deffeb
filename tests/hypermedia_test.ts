/** Every link, form and hx attribute of every page leads to a route that answers; targets exist; ids are unique. */
import assert from "node:assert/strict";
import { allPages, HTMX_ATTRIBUTES } from "./support/all_pages.ts";
import { parsePage, testApp } from "./support/test_app.ts";

Deno.test("the pages hold together", async (t) => {
  const app = testApp();
  const checked = new Set<string>();
  for (const [page, path] of await allPages(app)) {
    await t.step(page, async () => {
      const document = parsePage(await (await app.send(path)).text());
      const elements = [...document.querySelectorAll("*")];
      const ids = elements.map(({ id }) => id).filter((id) => id !== "");
      assert.deepEqual(ids.filter((id, index) => ids.indexOf(id) !== index), [], "ids are unique");

      for (const element of elements) {
        for (const name of element.getAttributeNames().filter((htmlAttribute) => htmlAttribute.startsWith("hx-"))) {
          assert.ok(HTMX_ATTRIBUTES.has(name), name);
        }
        for (const name of ["hx-target", "hx-select"]) {
          const target = element.getAttribute(name);
          if (target !== null) {
            assert.ok(target.startsWith("#") && ids.includes(target.slice(1)), `${name} ${target} exists`);
          }
        }
        for (const name of ["aria-describedby", "aria-labelledby", "for"]) {
          for (const id of element.getAttribute(name)?.split(" ") ?? []) {
            assert.ok(ids.includes(id), `${name} ${id} exists`);
          }
        }
        if (element.tagName === "FORM" && element.getAttribute("method") === "get") {
          const { status } = await app.send(element.getAttribute("action") ?? "");
          assert.ok([200, 303, 422].includes(status), `GET ${element.getAttribute("action")} answers ${status}`);
          continue;
        }
        const linked = element.getAttribute("href") ?? element.getAttribute("src") ?? element.getAttribute("hx-get");
        if (linked?.startsWith("/") && !checked.has(linked)) {
          checked.add(linked);
          const { status, headers } = await app.send(linked);
          // A circuit that is not chosen yet, or grows, leads on to its address.
          assert.ok(status === 200 || (status === 303 && linked.includes("/circuit")), `GET ${linked} is ${status}`);
          assert.ok(status === 303 || headers.get("Content-Type") !== null);
          if (element.hasAttribute("hx-get") || element.hasAttribute("hx-boost")) {
            const fragment = await app.send(linked, {
              headers: { "HX-Request": "true", "HX-Target": element.getAttribute("hx-target")?.slice(1) ?? "" },
            });
            assert.equal(fragment.status, 200);
            const replaced = element.getAttribute("hx-target") ?? "";
            const part = parsePage(await fragment.clone().text());
            if (element.getAttribute("hx-swap") === "outerHTML") {
              assert.ok(part.getElementById(replaced.slice(1)) !== null, `${linked} brings ${replaced} again`);
            }
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
  assert.ok(checked.size > 200, `${checked.size} links were followed`);
});
