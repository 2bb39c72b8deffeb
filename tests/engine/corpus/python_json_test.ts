import assert from "node:assert/strict";
import fc from "fast-check";
import { parsePythonJson } from "../../../engine/corpus/python_json.ts";
import { pythonJson } from "../../support/published_fixture.ts";

Deno.test("parsePythonJson() reads numbers that are not finite as null", () => {
  assert.deepEqual(parsePythonJson('{"a":NaN,"b":[Infinity,-Infinity, NaN ],"c":1.5}'), {
    a: null,
    b: [null, null, null],
    c: 1.5,
  });
  assert.equal(parsePythonJson("NaN"), null);
});

Deno.test("parsePythonJson() leaves such words in strings alone", () => {
  const texts = ["NaN", " -Infinity", 'say "NaN", Infinity', "\\", '\\"NaN\\', "NaN\\", "İnfinity NaN"];
  assert.deepEqual(parsePythonJson(`{"t":${JSON.stringify(texts)},"NaN":NaN}`), { t: texts, NaN: null });
});

const NO_JSON: Readonly<Record<string, string>> = {
  "a word with a sign that Python does not write": "[-NaN]",
  "a positive sign": "[+Infinity]",
  "a longer word": "[NaNs]",
  "a word after a number": "[1NaN]",
  "a word after a string": '["a"NaN]',
  "a word as a name": "{NaN:1}",
  "an open string": '["NaN',
  "a backslash at the end": '[NaN,"\\',
};

for (const [what, text] of Object.entries(NO_JSON)) {
  Deno.test(`parsePythonJson() refuses ${what}`, () => {
    assert.throws(() => parsePythonJson(text), SyntaxError);
  });
}

Deno.test("parsePythonJson() reads a string of millions of characters", () => {
  const text = "NaN\\".repeat(1 << 20);
  assert.deepEqual(parsePythonJson(`[${JSON.stringify(text)},NaN]`), [text, null]);
});

Deno.test("parsePythonJson() reads whatever Python writes", () => {
  const word = fc.constantFrom("NaN", "Infinity", "-Infinity", '"', "\\", ",", " ");
  const leaf = fc.oneof(fc.double(), fc.constant(NaN), fc.array(word).map((words) => words.join("")), fc.string());
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie("tree")),
      fc.array(fc.tuple(fc.string({ minLength: 1 }), tie("tree"))).map((entries) => Object.fromEntries(entries)),
    ),
  }));
  const withNulls = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  fc.assert(
    fc.property(tree, (value) => {
      assert.equal(JSON.stringify(parsePythonJson(pythonJson(value))), JSON.stringify(withNulls(value)));
    }),
    { numRuns: 500 },
  );
});
