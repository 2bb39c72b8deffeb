/**
 * Every way in which a provider fails, from records to pages' states: what was explained stays, a score is none and can be asked for again, and
 * neither key, prompt nor provider's text is logged, by the engine or by the process.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Engine } from "../../../engine/mod.ts";
import { CHAT_FAILURES, PROVIDER_MARK } from "../../support/chat_failures.ts";
import {
  type ChatCall,
  type ChatServer,
  type Respond,
  startChatServer,
  usualAnswer,
} from "../../support/chat_server.ts";
import { openExplainedEngine, TEST_KEY, withExplainedModel } from "../../support/explained_model.ts";
import { startServer } from "../../support/test_server.ts";

/** Stands in what is asked, for it stands in an explanation. */
const PROMPT_MARK = "PROMPT-TEXT";

/** What must stand in no log: the key, what was asked, what was answered. */
const SECRETS = [TEST_KEY, PROMPT_MARK, "You describe what", "You predict how", PROVIDER_MARK];

function assertTellsNothing(written: string): void {
  for (const secret of SECRETS) assert.ok(!written.includes(secret), `${secret} stands in:\n${written}`);
}

function isExplaining({ body }: ChatCall): boolean {
  return "explanation" in (body.response_format?.json_schema.schema.properties ?? {});
}

interface Failing {
  readonly respond: Respond;
  /** Also where it is asked to explain; else only where it scores. */
  readonly always: boolean;
}

/** A server that fails while `failing` says how. */
function failingServer(): ChatServer & { failing: Failing | null } {
  const state: { failing: Failing | null } = { failing: null };
  const server = startChatServer((call, number) => {
    const { failing } = state;
    return failing === null || isExplaining(call) && !failing.always
      ? usualAnswer(call)
      : failing.respond(call, number);
  });
  return Object.assign(state, server);
}

async function explained(engine: Engine, component: string) {
  await engine.explanations.explain({ model: "tiny", component, by: "assistant", candidates: 1 });
  return await engine.explanations.settled({ model: "tiny", component });
}

Deno.test("a provider that fails", async (t) => {
  await withExplainedModel(async (model) => {
    await using server = failingServer();
    const failures = CHAT_FAILURES.map((failure, number) => ({ ...failure, component: `mlp/0/${number}` }));
    const withEngine = async (timeoutMs: number | null, use: (engine: Engine) => Promise<void>) => {
      const lines: string[] = [];
      const engine = await openExplainedEngine(model, {
        url: server.url,
        log: (line) => lines.push(line),
        concurrency: 16,
        ...timeoutMs === null ? {} : { timeoutMs },
      });
      try {
        await use(engine);
      } finally {
        await engine.close();
      }
      assertTellsNothing(lines.join("\n"));
    };

    // Before anything is answered: what is known is not asked for again.
    for (const { name, respond, problem, timeoutMs, component } of failures) {
      await t.step(
        `with ${name}, asked to explain, leaves an attempt that says why, and no explanation`,
        () =>
          withEngine(timeoutMs, async (engine) => {
            server.failing = { respond, always: true };
            const { explanations, attempts } = await explained(engine, component);
            assert.deepEqual(explanations, []);
            assert.deepEqual(attempts.map(({ what, state }) => [what, state]), [["explain", "failed"]]);
            assert.match(attempts[0]?.problem ?? "", problem);
            assertTellsNothing(JSON.stringify(attempts));
          }),
      );
    }

    for (const { name, respond, problem, timeoutMs, component } of failures) {
      await t.step(
        `with ${name}, asked to score: the explanation stays, its score is none, and can be asked for again`,
        () =>
          withEngine(timeoutMs, async (engine) => {
            server.failing = { respond, always: false };
            const { explanations: [found], attempts } = await explained(engine, component);
            assert.match(found?.text ?? "", /^words like /);
            assert.deepEqual(attempts, [], "a failed score is told by the score");
            const [failed, ...others] = found?.scores ?? [];
            assert.deepEqual(others, []);
            assert.equal(failed?.state, "failed");
            assert.match(failed?.problem ?? "", problem);
            assert.deepEqual([failed?.headline, failed?.score, failed?.control], [null, null, null]);
            assertTellsNothing(JSON.stringify(failed));
            server.failing = null;
            await engine.explanations.score({ explanation: found?.id ?? 0, by: "assistant" });
            const { explanations: [after] } = await engine.explanations.settled({ model: "tiny", component });
            assert.equal(after?.scores[0]?.state, "done", after?.scores[0]?.problem ?? "");
            assert.ok(Number.isFinite(after?.scores[0]?.headline?.value));
          }),
      );
    }
  });
});

Deno.test("neither key, prompt nor provider's text is written by the process, whatever fails, also where it fails itself", async () => {
  await withExplainedModel(async ({ modelFolder, dataFolder }) => {
    await using chat = failingServer();
    let written = "";
    {
      await using server = await startServer([
        ...["--models", modelFolder, "--assistant-url", chat.url, "--assistant-model", "test-model"],
        ...["--assistant-concurrency", "64", "--assistant-timeout", "1"],
      ], { dataFolder, env: { TDB_ASSISTANT_KEY: TEST_KEY }, onWritten: (text) => written += text });
      const post = async (component: string, what: string, body: unknown) => {
        const answer = await fetch(`${server.url}api/v1/models/tiny/components/${component}/${what}`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify(body),
        });
        return { status: answer.status, answer: await answer.json() };
      };
      for (
        const [number, { name, respond, problem }] of CHAT_FAILURES.filter(({ timeoutMs }) => timeoutMs === null)
          .entries()
      ) {
        chat.failing = { respond, always: true };
        const component = `mlp/1/${number}`;
        const { answer: written } = await post(component, "explanations/written", { text: `${PROMPT_MARK} ${number}` });
        const asked = chat.calls.length;
        const found = await Promise.all([
          post(component, "explanations?wait=true", { by: "assistant", candidates: 1 }),
          post(component, "scores?wait=true", { explanation: written.id, by: "assistant" }),
        ]);
        const told = JSON.stringify(found.map(({ answer }) => answer.attempts));
        assert.match(told, problem, name);
        const prompts = JSON.stringify(chat.calls.slice(asked).map(({ body }) => body));
        assert.ok(
          prompts.includes(PROMPT_MARK) && prompts.includes("You describe what"),
          "what was asked has the marks",
        );
      }
      assert.ok(chat.calls.every(({ authorization }) => authorization === `Bearer ${TEST_KEY}`));
      // A store without its table is an error that nobody knows: its stack is logged.
      using database = new DatabaseSync(join(dataFolder, "runs.sqlite"));
      database.exec("ALTER TABLE explanations RENAME TO elsewhere");
      const { status } = await post("mlp/1/0", "explanations/written", { text: `${PROMPT_MARK} ${TEST_KEY}` });
      assert.equal(status, 500);
    }
    assert.match(written, /error Error: no such table/, "the log was read");
    assert.match(written, /POST .*explanations 200/);
    assertTellsNothing(written);
  });
});
