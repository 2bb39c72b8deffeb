/** Scores as they are written. */
import assert from "node:assert/strict";
import { formatScore } from "../../views/parts/explanation_item.tsx";

Deno.test("formatScore() writes two digits, a minus that is one, and no zero below zero", () => {
  const written = [0.5, -0.25, -0.004, 0, -1, 0.996].map(formatScore);
  assert.deepEqual(written, ["0.50", "−0.25", "0.00", "0.00", "−1.00", "1.00"]);
});
