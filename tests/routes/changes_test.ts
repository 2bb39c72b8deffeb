/** What buttons and edits of an answer do to the form's text of interventions. */
import assert from "node:assert/strict";
import { ValidationError } from "../../engine/mod.ts";
import { applyChange, withEdits } from "../../routes/changes.ts";
import { DEFAULT_FIELDS } from "../../routes/question_form.ts";

const FIELDS = { ...DEFAULT_FIELDS, model: "demo" };

function changed(interventions: string, change: string): string {
  return applyChange({ ...FIELDS, interventions }, change).interventions;
}

Deno.test("applyChange() adds, switches off and on, and removes a line, and leaves the others", () => {
  assert.equal(changed("", "ablate mlp/1/7@0"), "mlp/1/7@0 = 0");
  assert.equal(changed("a/1 = 2\n", "ablate right: mlp/1/7@0"), "a/1 = 2\nright: mlp/1/7@0 = 0");
  assert.equal(changed("x@1 = 0\ny@2 * 0.5", "off x@1 = 0"), "# x@1 = 0\ny@2 * 0.5");
  assert.equal(changed("# x@1 = 0\ny@2 * 0.5", "on x@1 = 0"), "x@1 = 0\ny@2 * 0.5");
  assert.equal(changed("# x@1 = 0\ny@2 * 0.5", "remove x@1 = 0"), "y@2 * 0.5");
  assert.equal(changed("x@1 = 0", "remove z@1 = 0"), "x@1 = 0");
});

Deno.test("applyChange() finds a line however it was typed", () => {
  assert.equal(changed("  x@1=0 \n#y@2   *0.5", "off x@1 = 0"), "# x@1 = 0\n# y@2   *0.5");
  assert.equal(changed("#y@2   *0.5", "on y@2 * 0.5"), "y@2 * 0.5");
});

Deno.test("applyChange() sets and clears the trace, and refuses what is no change", () => {
  assert.equal(applyChange(FIELDS, "trace head/0/1@2<1 v towards mlp/1/2@2").trace, "head/0/1@2<1 v towards mlp/1/2@2");
  assert.equal(applyChange({ ...FIELDS, trace: "x" }, "untrace").trace, "");
  assert.throws(() => applyChange(FIELDS, "explode"), ValidationError);
});

Deno.test("applyChange() turns a part to another basis, and leaves everything else", () => {
  const fields = { ...FIELDS, interventions: "x@1 = 0", trace: "y@2" };
  assert.deepEqual(applyChange(fields, "basis mlp latent"), { ...fields, mlpBasis: "latent" });
  assert.deepEqual(applyChange(fields, "basis attention head"), fields);
  assert.throws(() => applyChange(fields, "basis stream latent"), ValidationError);
});

Deno.test("withEdits() puts edited lines in the place of the old ones; untouched forms stay the same object", () => {
  const fields = { ...FIELDS, interventions: "x@1 = 0\n# y@2 = 0\nz@3 = 0" };
  const form = (pairs: readonly (readonly [string, string])[]) =>
    new URLSearchParams(pairs.flatMap(([from, to]) => [["edited-from", from], ["edited", to]]));
  assert.equal(withEdits(fields, form([["x@1 = 0", "x@1 = 0"]])), fields);
  const edited = withEdits(fields, form([["x@1 = 0", "x@1 = mean"], ["z@3 = 0", ""]]));
  assert.equal(edited.interventions, "x@1 = mean\n# y@2 = 0");
  assert.equal(withEdits(fields, new URLSearchParams("edited=x&edited-from=")), fields);
});
