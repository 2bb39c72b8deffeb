/**
 * Latents of the demo model's dictionaries whose strongest tokens have one evident meaning, as its card names them: over a
 * sweep of its corpus all of their top examples are of that meaning.
 */
import assert from "node:assert/strict";
import { type Engine, type Example, openEngine } from "../../../engine/mod.ts";

const FOLDER = new URL("../../../models/demo/", import.meta.url).pathname;
const TOP = 20;

/** By dictionary and latent, what surrounds its strongest token, which stands in «». */
const NAMED: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  "mlp-out-2": {
    "mlp-latent/2/108": /\w+, \w+, \w+«\.»/,
    "mlp-latent/2/310": /^def \w+«\(»/,
    "mlp-latent/2/397": /If you go to \w+«,» visit/,
    "mlp-latent/2/411": /is the capital of \w+«\.»/,
  },
  "resid-post-2": {
    "resid-latent/2/156": /(This|The) \w+« (is|was)» \w+/,
    "resid-latent/2/247": /[([{) \]}]«( ?\()»/,
    "resid-latent/2/268": /(The capital( city)?« of»|If you go« to») \w+/,
    "resid-latent/2/453": /(From|year)« 1\d»\d\d/,
  },
  "attn-out-2": { "attn-latent/2/176": /\bMar(y|ia)\b.*«|«[^»]*» Mary/ },
};

/** The text of an example with its strongest token in «». */
function marked({ tokens, at }: Example): string {
  return tokens.slice(1).map(({ text }, i) => i + 1 === at[0] ? `«${text}»` : text).join("");
}

async function sweep(engine: Engine, dictionary: string): Promise<void> {
  const { id } = await engine.startJob({ kind: "sweep", model: "demo", dictionary });
  const { state, problem } = await engine.finishedJob(id);
  assert.equal(state, "done", problem ?? "");
}

Deno.test("the latents that the demo model's card names mean what it says, in all of their top examples", async (t) => {
  const card = await Deno.readTextFile(`${FOLDER}README.md`);
  const dataFolder = await Deno.makeTempDir();
  const engine = await openEngine({ modelFolders: [FOLDER], dataFolder, device: "cpu", version: "test" });
  try {
    for (const [dictionary, latents] of Object.entries(NAMED)) {
      await sweep(engine, dictionary);
      for (const [component, meaning] of Object.entries(latents)) {
        await t.step(component, async () => {
          assert.ok(card.includes(`\`${component}\``), "the card names it");
          const { top } = await engine.records({ model: "demo", component, dictionary, top: TOP });
          assert.equal(top.length, TOP);
          assert.deepEqual(top.map(marked).filter((text) => !meaning.test(text)), []);
        });
      }
    }
  } finally {
    await engine.close();
    await Deno.remove(dataFolder, { recursive: true });
  }
});
