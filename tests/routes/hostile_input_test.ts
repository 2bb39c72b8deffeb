import assert from "node:assert/strict";
import fc from "fast-check";
import { codeSnippets } from "../../routes/snippets.ts";
import { DEMO_QUESTION, demoForm, parsePage, testApp } from "../support/test_app.ts";

const HOSTILE = [
  "<script>alert(1)</script>",
  "</textarea><img src=x onerror=alert(1)>",
  "\nbegins with an empty line",
  "\"'><svg/onload=alert(1)>",
  "&lt;b&gt; & &amp;",
  "a\u0000b",
  "a\u202Eb",
  "'; rm -rf ~ #",
  "${jndi:x} {{7*7}}",
];

for (const text of HOSTILE) {
  Deno.test(`the prompt ${JSON.stringify(text)} stays text`, async () => {
    const { postJson, postForm, send } = testApp();
    const [prompt] = DEMO_QUESTION.prompts;
    const { id } = await (await postJson("/api/v1/runs", { prompts: [{ ...prompt, text }] })).json();
    const query = new URLSearchParams({ prompt: text, "target.0": text });
    const answers = [
      await send(`/runs/${id}`),
      await send("/"),
      await send(`/debugger?${query}`),
      await postForm("/runs", demoForm(["prompt", text], ["target.0", text], ["model", text])),
      await postForm("/runs", demoForm(["k", text], ["prompt", text])),
      await postForm("/debugger", demoForm(["action", text])),
      await send(`/${encodeURIComponent(text)}`),
      await send(`/runs/${encodeURIComponent(text)}`),
      await send("/", { headers: { Host: encodeURIComponent(text) } }),
    ];
    for (const answer of answers) {
      assert.notEqual(answer.status, 500);
      const document = parsePage(await answer.text());
      assert.equal(document.querySelectorAll("script:not([src]), img[src=x], [onload], [onerror], b").length, 0);
    }
    // An HTML parser drops NUL; whatever stands for it, nothing else is lost.
    const withoutNul = (value: string | null | undefined): string =>
      (value ?? "").replaceAll("\u0000", "").replaceAll("\uFFFD", "");
    const form = parsePage(await (await send(`/debugger?${query}`)).text());
    assert.equal(withoutNul(decoded(form.querySelector("textarea")?.textContent)), withoutNul(text));
    assert.equal(withoutNul(form.querySelector('[name="target.0"]')?.getAttribute("value")), withoutNul(text));
  });
}

Deno.test("the curl command is one shell word a part, whatever is in the question", async () => {
  const { engine, postJson } = testApp();
  const text = 'it\'s "$HOME" `id`\n\u202E \\ é';
  await postJson("/api/v1/runs", { prompts: [{ text, targets: ["'"] }] });
  const [run] = engine.recentRuns(1);
  assert.ok(run !== undefined);
  const command = codeSnippets("http://localhost:8000", run.spec).curl;
  assert.match(command, /^[\x20-\x7e]+$/);
  const printed = await new Deno.Command("sh", { args: ["-c", command.replace(/^curl /, "printf '%s\\n' ")] }).output();
  const words = new TextDecoder().decode(printed.stdout).trimEnd().split("\n");
  assert.equal(words.at(-1), "http://localhost:8000/api/v1/runs");
  assert.deepEqual(JSON.parse(words.at(-2) ?? ""), JSON.parse(JSON.stringify(run.spec)));
});

Deno.test("no JSON body makes POST /api/v1/runs a 500", async () => {
  const { postJson } = testApp();
  const prompt = fc.record({
    text: fc.oneof(fc.string({ unit: "binary" }), fc.jsonValue()),
    tokens: fc.array(fc.integer()),
    targets: fc.oneof(fc.array(fc.oneof(fc.string(), fc.integer())), fc.jsonValue()),
    distractors: fc.jsonValue(),
  }, { requiredKeys: [] });
  const nearSpec = fc.record({
    model: fc.oneof(fc.constant("demo"), fc.jsonValue()),
    prompts: fc.oneof(fc.array(prompt, { maxLength: 3 }), fc.jsonValue()),
    objective: fc.jsonValue(),
    topK: fc.jsonValue(),
    trace: fc.jsonValue(),
  }, { requiredKeys: ["prompts"] });
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.jsonValue(), nearSpec), async (body) => {
      const { status } = await postJson("/api/v1/runs", body);
      assert.ok([200, 201, 400, 404, 422].includes(status), `status ${status}`);
    }),
    { numRuns: 300 },
  );
});

Deno.test("no form makes POST /runs or POST /debugger a 500", async () => {
  const { postForm } = testApp();
  const name = fc.constantFrom("model", "prompt", "target.0", "target.1", "distractor.0", "position", "k", "action");
  const fields = fc.array(fc.tuple(name, fc.string({ unit: "grapheme" })), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fields, async (form) => {
      const { status } = await postForm("/runs", form);
      assert.ok([303, 404, 422].includes(status), `status ${status}`);
      assert.ok([200, 422].includes((await postForm("/debugger", form)).status));
    }),
    { numRuns: 100 },
  );
});

/** What a browser shows in a text area: linkedom leaves its character references as they are. */
function decoded(html: string | null | undefined): string {
  return parsePage(`<!doctype html><p id="text">${html ?? ""}</p>`).querySelector("#text")?.textContent ?? "";
}
