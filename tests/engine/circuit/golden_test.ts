/**
 * Every tensor of the golden cases, through our own names, within the allowance that their maker recommends. What the cases on edges and
 * vocabulary scores say of single nodes is compared in `edges_test.ts` and `scored_tokens_test.ts`.
 */
import assert from "node:assert/strict";
import { Asker } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import {
  goldenAllowance,
  goldenCaseNames,
  goldenExpectations,
  goldenNodeCaseNames,
  type GoldenRequest,
} from "../../support/golden.ts";
import { goldenDictionaries } from "../../support/golden_dictionaries.ts";

const askers = new Map<string, Promise<Asker>>();

function askerOf({ modelFolder, autoencoders }: GoldenRequest): Promise<Asker> {
  const key = [modelFolder, ...autoencoders].join();
  const asker = askers.get(key) ?? openAsker(modelFolder, autoencoders);
  askers.set(key, asker);
  return asker;
}

async function openAsker(folder: string, autoencoders: readonly string[]): Promise<Asker> {
  return await Asker.open(folder, (await Promise.all(autoencoders.map(goldenDictionaries))).flat());
}

for (const name of [...goldenCaseNames(), ...goldenNodeCaseNames()]) {
  Deno.test(`engine tensors match the golden tensors of ${name}`, async () => {
    const { request, objective, expectations } = await goldenExpectations(name);
    const asker = await askerOf(request);
    const dictionaries = asker.model.dictionaries.map(({ detail }) => detail.id);
    const needed = [...new Set(expectations.flatMap(({ needs }) => needs))];
    const tensors = await asker.tensors(needed, { ...request, objective: request.objectiveKind, dictionaries });
    assert.ok(expectations.length >= 8, `expected at least 8 golden tensors but found ${expectations.length}`);
    assertClose(tensors.get("objective")?.data ?? [], [objective], {
      label: "objective",
      absolute: 2e-5 * Math.max(1, Math.abs(objective)),
    });
    for (const expectation of expectations) {
      const ours = expectation.compute((tensorName) => {
        const tensor = tensors.get(tensorName);
        assert.ok(tensor, `no tensor ${tensorName}`);
        return { shape: [...tensor.shape], data: tensor.data };
      });
      assertClose(ours, expectation.expected, {
        label: expectation.goldenName,
        absolute: goldenAllowance(expectation),
      });
    }
  });
}
