/** What a card of a run's page was made from: the request, and the part of the answer. */
import { type DictionarySums, NotFoundError, type RunResult } from "../engine/mod.ts";

/** @throws {NotFoundError} if no card of that name has data. @param card Null for everything. */
export function cardData(run: RunResult, card: string | null): { readonly title: string; readonly data: unknown } {
  const { spec, sides, nodes, sums, checks, alignment } = run;
  switch (card) {
    case null:
      return { title: "The whole run", data: { request: spec, response: run } };
    case "logits":
      return {
        title: "Next tokens",
        data: { request: spec, response: sides.map(({ label, position, logits }) => ({ label, position, logits })) },
      };
    case "effects":
      return { title: "Effects by token", data: { request: spec, response: sums } };
    case "layers":
      return {
        title: "Effects by layer",
        data: {
          request: spec,
          response: run.dictionaries === undefined
            ? sums.layers
            : { ...sums.layers, dictionaries: run.dictionaries.map(partsOnly) },
        },
      };
    case "sparsity":
      return { title: "Sparsity", data: { request: spec, response: run.dictionaries ?? [] } };
    case "nodes":
      return { title: "Nodes", data: { request: spec, response: { sides: sides.map(({ label }) => label), nodes } } };
    case "checks":
      return { title: "Checks", data: { request: spec, response: { checks, alignment } } };
    default:
      throw new NotFoundError(
        `There is no data of "${card.slice(0, 40)}": expected logits, effects, layers, sparsity, nodes or checks`,
      );
  }
}

/** What a dictionary's parts add together. */
function partsOnly({ dictionary, kind, layer, directEffect, totalEffect }: DictionarySums) {
  return { dictionary, kind, layer, directEffect, totalEffect };
}
