/** What the fake engine tells of related components: a few of two layers, with scores that fall. */
import {
  LATENT_KINDS,
  type ReaderWay,
  type RelatedComponents,
  type RelatedList,
  type RelatedRequest,
  type Similarity,
} from "../../engine/mod.ts";

import { fakeComponent } from "./fake_corpus.ts";

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
export function fakeRelated(request: RelatedRequest): RelatedComponents {
  const { component: own, textSet = "corpus", top = 10 } = request;
  const { kind, layer, dictionary } = fakeComponent(request);
  if (dictionary !== null) return fakeNeighbours(own, dictionary);
  return fakeRelatedOwn({ own, kind: kind === "head" ? "head" : "mlp", layer, textSet, top });
}

/** Two latents beside one, and one of another dictionary. */
function fakeNeighbours(own: string, dictionary: string): RelatedComponents {
  const [prefix = "", layer = ""] = own.split("/");
  const kind = LATENT_KINDS.find((known) => known === prefix) ?? "mlp-latent";
  const near = [40, 41].map((index, rank) => ({
    component: `${kind}/${layer}/${index}`,
    score: 0.75 - rank,
    dictionary,
  }));
  const far = [{ component: "attn-latent/1/5", score: 0.5, dictionary: "attn/1" }];
  return {
    component: own,
    dictionary,
    alignment: 0.625,
    similar: [
      { kind, by: "decoder", chance: 0.35, components: near },
      { kind, by: "encoder", chance: 0.35, components: near },
      { kind: "attn-latent", by: "decoder-elsewhere", chance: 0.35, components: far },
    ],
    upstream: [],
    downstream: [],
    coActivation: {
      source: "corpus",
      sequenceCount: 80,
      sampleCount: 64,
      chance: 0.126,
      topCount: 9,
      lists: [{
        kind,
        correlated: near.map(({ component, score }) => ({ component, correlation: score })),
        shared: [{ component: `${kind}/${layer}/40`, shared: 4, jaccard: 0.25 }],
      }],
    },
  };
}

function fakeRelatedOwn(
  { own, kind, layer, textSet, top }: {
    readonly own: string;
    readonly kind: Kind;
    readonly layer: number;
    readonly textSet: string;
    readonly top: number;
  },
): RelatedComponents {
  const ways = (reader: Kind): readonly ReaderWay[] => reader === "mlp" ? ["in"] : ["q", "k", "v"];
  const kinds: readonly Kind[] = ["head", "mlp"];
  const [before, after] = [layer === 1 ? 0 : null, layer === 0 ? 1 : null];
  const rest = { own, top };
  return {
    component: own,
    dictionary: null,
    alignment: null,
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
