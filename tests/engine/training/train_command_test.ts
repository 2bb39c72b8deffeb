/** `deno task train-dictionary`: what it is asked with, what it writes, and what is refused. */
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { parseConfig } from "../../../engine/config.ts";
import { openEngine, StartError, ValidationError } from "../../../engine/mod.ts";
import { trainCommand } from "../../../engine/train_command.ts";
import { openSweptEngine, withSweptModel } from "../../support/swept_model.ts";

const BASE = ["train-dictionary", "--site", "blocks.1.hook_mlp_out", "--latents", "64", "--out", "x/mine"];

Deno.test("parseConfig() knows a training: its own flags, and those of every command", async () => {
  const flags = ["--k", "8", "--steps=50", "--learning-rate", "1e-3", "--seed", "7", "--architecture", "batchtopk"];
  const command = await parseConfig([...BASE, ...flags, "--model", "demo", "--text-set", "corpus", "--data", "y"], {});
  assert.ok(command.kind === "train");
  assert.equal(command.config.dataFolder, resolve("y"));
  assert.deepEqual(command.order, {
    model: "demo",
    textSet: "corpus",
    trainedFolder: resolve("x"),
    training: {
      name: "mine",
      site: "blocks.1.hook_mlp_out",
      architecture: "batchtopk",
      latents: 64,
      k: 8,
      steps: 50,
      learningRate: 1e-3,
      seed: 7,
    },
  });
  const least = await parseConfig(BASE, {});
  assert.ok(least.kind === "train");
  assert.deepEqual([least.order.model, least.order.textSet], [null, null]);
  assert.deepEqual(least.order.training, { name: "mine", site: "blocks.1.hook_mlp_out", latents: 64 });
});

Deno.test("parseConfig() refuses a training that lacks something, and its flags elsewhere, with one line", async () => {
  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [
      ["train-dictionary", "--latents", "64", "--out", "x"],
      /^Cannot train: --site is missing; --help lists the flags$/,
    ],
    [BASE.slice(0, 5), /^Cannot train: --out is missing/],
    [[...BASE, "--k", "many"], /^Cannot train: --k is "many", expected a number$/],
    [[...BASE, "--k"], /^Cannot start: --k has no value$/],
    [[...BASE, "--out", "z"], /^Cannot start: --out is given twice, expected once$/],
    [[...BASE, "--wrong", "z"], /^Cannot start: Unknown option '--wrong'/],
    [["--site", "blocks.1.hook_mlp_out"], /^Cannot start: Unknown option '--site'/],
    [["sweep", "--latents", "3"], /^Cannot start: Unknown option '--latents'/],
  ];
  for (const [args, message] of refused) {
    await assert.rejects(parseConfig(args, {}), (error: unknown) => {
      assert.ok(error instanceof StartError);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("trainCommand() trains into the folder that it was given, and says what was measured", () =>
  withSweptModel(80, async ({ modelFolder, dataFolder }) => {
    const trainedFolder = `${dataFolder}-out`;
    const engine = await openEngine({
      modelFolders: [modelFolder],
      dataFolder,
      trainedFolder,
      device: "cpu",
      version: "test",
    });
    let written = "";
    const write = (text: string) => written += text;
    const order = (training: object) => ({
      order: {
        model: null,
        textSet: null,
        trainedFolder,
        training: {
          name: "mine",
          site: "blocks.0.hook_attn_out",
          latents: 24,
          k: 3,
          steps: 40,
          batch: 32,
          ...training,
        },
      },
      write,
    });
    try {
      await trainCommand(engine, order({}));
      assert.match(written, /\rtrain:tiny:mine {2}40 of 40 steps.*, done +\n/);
      assert.equal(written.match(/^step \d+: 3\.0 active latents a token, /gm)?.length, 20);
      assert.match(
        written,
        /step 40: .* of the variance explained, .* of 24 latents dead \(\d+ held-out tokens\)\nwritten: /,
      );
      const files = (await Array.fromAsync(Deno.readDir(`${trainedFolder}/mine`))).map(({ name }) => name).sort();
      assert.deepEqual(files, ["cfg.json", "sae_weights.safetensors", "training.json"]);
      const refused: readonly (readonly [object, RegExp])[] = [
        [{}, /^$/],
        [{ seed: 2 }, /^Cannot train: --out: There is a dictionary "mine" already: expected another name$/],
        [{ name: "Ü" }, /^Cannot train: --out: Expected up to 80 small letters/],
        [
          { site: "blocks.7.hook_attn_out" },
          /^Cannot train: --site: There is no site "blocks.7.hook_attn_out": expected/,
        ],
        [{ k: 25 }, /^Cannot train: --k: Expected at most 24, the number of latents$/],
        [{ learningRate: 3 }, /^Cannot train: --learning-rate: /],
        [{ architecture: "relu" }, /^Cannot train: --k: Architecture relu has no k: expected none$/],
      ];
      for (const [change, message] of refused) {
        const outcome = await trainCommand(engine, order(change)).then(() => "", (error: Error) => error.message);
        assert.match(outcome, message);
      }
      const large = trainCommand(engine, order({ name: "large", batch: 30_000 }));
      await assert.rejects(
        large,
        /Cannot train: .*It has \d+ tokens to train on: expected at least the 30000 of a batch/,
      );
    } finally {
      await engine.close();
    }
  }));

Deno.test("a dictionary that cannot be written ends its training with a sentence that names no path, and it can be tried again", () =>
  withSweptModel(40, async ({ modelFolder, dataFolder }) => {
    const trainedFolder = `${dataFolder}-out`;
    await Deno.writeTextFile(trainedFolder, "a file, where a folder is needed");
    const options = { modelFolders: [modelFolder], dataFolder, trainedFolder, device: "cpu", version: "test" } as const;
    const engine = await openEngine(options);
    try {
      const training = { site: "blocks.0.hook_mlp_out", latents: 8, k: 2, steps: 5, batch: 32 };
      const { id } = await engine.startJob({ kind: "train", training });
      const { state, problem } = await engine.finishedJob(id);
      assert.deepEqual([state, problem], ["failed", "Cannot write the dictionary: ENOTDIR"]);
      await Deno.remove(trainedFolder);
      engine.resumeJob(id);
      assert.equal((await engine.finishedJob(id)).state, "done");
    } finally {
      await engine.close();
    }
  }));

Deno.test("a training that cannot be is refused with the path of what is wrong", () =>
  withSweptModel(20, async (model) => {
    const engine = await openSweptEngine(model, 64);
    const site = "blocks.0.hook_resid_post";
    const refused: readonly (readonly [object, string, RegExp])[] = [
      [{ kind: "train" }, "training", /Expected what is to be trained/],
      [{ kind: "sweep", training: { site, latents: 3 } }, "training", /a job of kind sweep trains nothing/],
      [{ kind: "train", training: { site, latents: 0 } }, "training.latents", /Expected at least 1/],
      [{ kind: "train", training: { site, latents: 1.5 } }, "training.latents", /Expected a whole number/],
      [{ kind: "train", training: { site, latents: 1e6, batch: 100 } }, "training.batch", /Expected at most 67 tokens/],
      [
        { kind: "train", training: { site: "hook_embed", latents: 3 } },
        "training.site",
        /There is no site "hook_embed"/,
      ],
      [{ kind: "train", training: { site, latents: 3, name: "../up" } }, "training.name", /Expected up to 80 small/],
      [{ kind: "train", training: { site, latents: 3, sparsity: 1 } }, "training.sparsity", /topk has no penalty/],
      [{ kind: "train", textSet: "none", training: { site, latents: 3 } }, "textSet", /There is no text set "none"/],
    ];
    try {
      for (const [request, path, message] of refused) {
        await assert.rejects(engine.startJob(request as Parameters<typeof engine.startJob>[0]), (error: unknown) => {
          assert.ok(error instanceof ValidationError, String(error));
          assert.equal(error.issues[0]?.path, path);
          assert.match(error.issues[0]?.message ?? "", message);
          return true;
        });
      }
      await assert.rejects(engine.training("train:tiny:none"), /There is no training "train:tiny:none"/);
      await engine.startJob({ kind: "means" });
      await assert.rejects(engine.training("means:tiny"), /There is no training "means:tiny"/);
    } finally {
      await engine.close();
    }
  }));
