/** What the fake engine tells of related components: a few of two layers, with scores that fall. */
import {
  NotFoundError,
  type ReaderWay,
  type RelatedComponents,
  type RelatedList,
  type RelatedRequest,
  type Similarity,
} from "../../engine/mod.ts";

type Kind = "head" | "mlp";

/** Components of a layer, less the one that is asked about; every other score is negative if they have signs. */
function fakeList<By extends Similarity | ReaderWay>(
  { kind, by, layer, own, top, isSigned }: {
    readonly kind: Kind;
    readonly by: By;
    /** Null for an empty list. */
    readonly layer: number | null;
    readonly own: string;
    readonly top: number;
    readonly isSigned: boolean;
  },
): RelatedList<By> {
  const names = layer === null
    ? []
    : Array.from({ length: kind === "mlp" ? 32 : 2 }, (_, index) => `${kind}/${layer}/${index}`);
  const components = names.filter((name) => name !== own).slice(0, top).map((component, rank) => ({
    component,
    score: (isSigned && rank % 2 === 1 ? -1 : 1) * 0.75 / (rank + 1),
  }));
  return { kind, by, chance: 0.125, components };
}

/** @throws {NotFoundError} for a component that is not there */
export function fakeRelated({ component: own, textSet = "corpus", top = 10 }: RelatedRequest): RelatedComponents {
  const found = /^(mlp|head)\/([01])\/(\d+)$/.exec(own);
  if (found === null || Number(found[3]) >= (found[1] === "mlp" ? 32 : 2)) {
    throw new NotFoundError(`There is no component ${own}`);
  }
  const kind: Kind = found[1] === "mlp" ? "mlp" : "head";
  const layer = Number(found[2]);
  const ways = (reader: Kind): readonly ReaderWay[] => reader === "mlp" ? ["in"] : ["q", "k", "v"];
  const kinds: readonly Kind[] = ["head", "mlp"];
  const [before, after] = [layer === 1 ? 0 : null, layer === 0 ? 1 : null];
  const rest = { own, top };
  return {
    component: own,
    similar: (kind === "mlp" ? ["output", "input"] as const : ["ov", "qk"] as const).map((by) =>
      fakeList({ ...rest, kind, by, layer, isSigned: true })
    ),
    upstream: kinds.flatMap((writer) =>
      ways(kind).map((by) =>
        fakeList({ ...rest, kind: writer, by, layer: before, isSigned: kind === "mlp" && writer === "mlp" })
      )
    ),
    downstream: kinds.flatMap((reader) =>
      ways(reader).map((by) =>
        fakeList({ ...rest, kind: reader, by, layer: after, isSigned: kind === "mlp" && reader === "mlp" })
      )
    ),
    coActivation: textSet !== "corpus" ? null : {
      source: textSet,
      sequenceCount: 80,
      sampleCount: 64,
      chance: 0.126,
      topCount: 20,
      lists: kinds.map((other) => ({
        kind: other,
        correlated: fakeList({ ...rest, kind: other, by: "in", layer, isSigned: true }).components.map((
          { component, score },
        ) => ({ component, correlation: score })),
        shared: [{ component: `${other}/${1 - layer}/0`, shared: 4, jaccard: 1 / 9 }],
      })),
    },
  };
}
