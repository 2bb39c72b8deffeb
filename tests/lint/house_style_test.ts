import assert from "node:assert/strict";
import plugin from "./house_style.ts";

Deno.test("no-exported-arrow reports exported arrows and nothing else", () => {
  assert.deepEqual(lint("export const add = (a: number) => a;"), ["no-exported-arrow: Exported function is an arrow"]);
  assert.deepEqual(lint("export const a = 1, f = async () => {};"), [
    "no-exported-arrow: Exported function is an arrow",
  ]);
  assert.deepEqual(lint("export function f() {}\nconst g = () => 1;\nexport const table = { f: () => g() };"), []);
});

Deno.test("error-message wants a capital, no final period and no contraction", () => {
  const starts = ["error-message: Error message does not start with a capital"];
  assert.deepEqual(lint('throw new Error("cannot read");'), starts);
  assert.deepEqual(lint("throw new RangeError(`expected ${1}`);"), starts);
  assert.deepEqual(lint('throw new NotFoundError("no " + name);'), starts);
  const ends = ["error-message: Error message ends with a period"];
  assert.deepEqual(lint('throw new Error("Cannot read.");'), ends);
  assert.deepEqual(lint('throw new Error(`Cannot read ${1}` + " twice.");'), ends);
  assert.deepEqual(lint(`throw new Error("Can't read");`), [
    `error-message: Error message has the contraction "Can't"`,
  ]);
  assert.deepEqual(lint(`throw new Error("So it's gone");`), [
    `error-message: Error message has the contraction "it's"`,
  ]);
});

Deno.test("error-message accepts good messages, unknown ones and possessives", () => {
  for (
    const source of [
      'throw new Error("Cannot read a file");',
      "throw new RangeError(`${name}: expected 1 but found ${2}`);",
      `throw new Error("Cannot read the model's folder");`,
      'throw new Error("Reading…");',
      "throw new Error(message);",
      'new Map("lower");',
      "throw new ValidationError([{ path, message }]);",
      "throw new Error();",
      `throw new Error('"x" is unknown');`,
    ]
  ) assert.deepEqual(lint(source), [], source);
});

Deno.test("max-parameters allows three on exported functions", () => {
  assert.deepEqual(lint("export function f(a: 1, b: 2, c: 3, d: 4) {}"), [
    "max-parameters: Exported function has 4 parameters, at most 3 are allowed",
  ]);
  assert.deepEqual(lint("export function f(a: 1, b: 2, { c, d }: X) {}\nfunction g(a: 1, b: 2, c: 3, d: 4) {}"), []);
});

Deno.test("banned-word reports bare names where they are declared", () => {
  const reported = ['banned-word: The bare name "graph" means two things here'];
  for (
    const source of [
      "const graph = 1;",
      "function f(graph: X) {}",
      "const f = ([a, graph]: X) => a;",
      "const { other: graph } = x;",
      "function graph() {}",
      "class A { f(graph = 1) {} }",
      "for (const graph of graphs) {}",
    ]
  ) assert.deepEqual(lint(source), reported, source);
  for (
    const source of ["const onnxGraph = x.graph;", "const { graph } = x;", "f({ graph: 1 });", "const attrs = {};"]
  ) {
    assert.deepEqual(lint(source), [], source);
  }
});

Deno.test("banned-word allows node where it is the circuit's node", () => {
  const source = "const node = 1;";
  for (
    const allowed of ["engine/circuit/refs.ts", "views/parts/node_table.tsx", "routes/api.ts", "tests/views/a_test.ts"]
  ) {
    assert.deepEqual(lint(source, `/projects/debugger/${allowed}`), [], allowed);
    assert.deepEqual(lint(source, allowed), [], allowed);
  }
  for (const other of ["engine/onnx/lower.ts", "engine/engine.ts", "main.ts", "tests/support/a.ts"]) {
    assert.deepEqual(lint(source, `/projects/debugger/${other}`), [
      'banned-word: The bare name "node" means two things here',
    ], other);
  }
});

/** `rule: message` of everything that the plugin reports. */
function lint(source: string, fileName = "engine/sample.ts"): string[] {
  return Deno.lint.runPlugin(plugin, fileName, source).map(({ id, message }) =>
    `${id.replace("house-style/", "")}: ${message}`
  );
}
