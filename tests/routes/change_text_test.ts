import assert from "node:assert/strict";
import { formatIntervention, formatTrace, parseInterventions, parseTrace } from "../../routes/change_text.ts";
import { interventionSchema, traceSchema } from "../../engine/mod.ts";

Deno.test("interventions are read as they are written, one a line", () => {
  const text = "head/3/3@14<* = 0\nmlp/2/17@5 * -0.5\nright: mlp/1/3@4 from left\nembed@3 = 1e-3\nhead/0/1@5<2 = mean";
  const { interventions, issues } = parseInterventions(`\n${text}\n\n`);
  assert.deepEqual(issues, []);
  assert.deepEqual(interventions, [
    { node: "head/3/3@14<*", prompt: 0, set: 0 },
    { node: "mlp/2/17@5", prompt: 0, scale: -0.5 },
    { node: "mlp/1/3@4", prompt: 1, patch: { from: "left" } },
    { node: "embed@3", prompt: 0, set: 1e-3 },
    { node: "head/0/1@5<2", prompt: 0, method: "mean" },
  ]);
  const again = interventions.map((intervention) => formatIntervention(interventionSchema.parse(intervention))).join(
    "\n",
  );
  assert.deepEqual(parseInterventions(again).interventions, interventions);
});

Deno.test("a line that is no intervention is named with what would be right", () => {
  for (const line of ["mlp/2/17@5", "mlp/2/17@5 = much", "= 0", "mlp/2/17@5 from above"]) {
    const { issues } = parseInterventions(`embed@0 = 1\n${line}`);
    assert.deepEqual(issues.map(({ path }) => path), ["interventions.1"], line);
    assert.match(issues[0]?.message ?? "", /expected NODE = NUMBER/);
  }
});

Deno.test("traces are read as they are written", () => {
  for (
    const text of [
      "mlp/3/17@14",
      "head/3/3@14<2 qk",
      "head/1/3@14<4 v towards mlp/2/3@14",
      "head/1/3@14<4 v towards head/2/3@14<1 k",
      "mlp/3/17@14 post free-norm",
      "head/3/3@14<2 q post attribution",
    ]
  ) {
    const { trace, issues } = parseTrace(` ${text} `);
    assert.deepEqual(issues, []);
    assert.equal(formatTrace(traceSchema.parse(trace)), text);
  }
  assert.deepEqual(parseTrace("  "), { trace: null, issues: [] });
  assert.equal(parseTrace("mlp/3/17@14 sideways").issues[0]?.path, "trace.node");
});

Deno.test("a line of very many spaces is refused at once", () => {
  const startedAt = performance.now();
  const line = `a${" ".repeat(500_000)}b`;
  assert.equal(parseInterventions(line).issues.length, 1);
  assert.equal(parseTrace(line).issues.length, 1);
  assert.ok(performance.now() - startedAt < 2000);
});
