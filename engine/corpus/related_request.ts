/** Which components have to do with one: what is asked, and what is answered. `related_graph.ts` says how weights are compared. */
import { z } from "zod";
import type { ComponentKind } from "./component.ts";
import { componentField, dictionaryField } from "./corpus_requests.ts";

/** Longest list of related components. */
export const MAX_RELATED = 50;

export const relatedRequestSchema = z.strictObject({
  model: z.string().optional().meta({ description: "Id of a loaded model; default: the first" }),
  component: componentField,
  dictionary: dictionaryField,
  textSet: z.string().max(200).optional().meta({
    description: "Id of a text set for co-activation; default: the model's first one that was swept",
  }),
  top: z.int().min(1).max(MAX_RELATED).default(10).meta({ description: "Most components of each list" }),
});

export type RelatedRequest = z.input<typeof relatedRequestSchema>;

/**
 * What of two components of one kind can be alike: what neurons write and read; what heads move and where they look; what latents write
 * and read, within their dictionary and in others.
 */
export const SIMILARITIES = ["output", "input", "ov", "qk", "decoder", "encoder", "decoder-elsewhere"] as const;
export type Similarity = typeof SIMILARITIES[number];

/** Ways from what a writer writes into a reader: into a neuron, or into a head's query, key or value. */
export const READER_WAYS = ["in", "q", "k", "v"] as const;
export type ReaderWay = typeof READER_WAYS[number];

/** A component by its weights. */
export interface RelatedByWeights {
  /** As in `mlp/5/1234`. */
  readonly component: string;
  /** A cosine, or for compositions with heads a share of what the two norms allow, from 0. */
  readonly score: number;
  /** Of a latent: id of its dictionary. */
  readonly dictionary?: string;
}

export interface RelatedList<By> {
  /** Of the components listed. */
  readonly kind: ComponentKind;
  readonly by: By;
  /** Root mean square of the score if the two were turned at random against each other. */
  readonly chance: number;
  /** By falling size of the score. */
  readonly components: readonly RelatedByWeights[];
}

/** What the weights say. */
export interface WeightRelations {
  /** Components of the same kind, in all layers. */
  readonly similar: readonly RelatedList<Similarity>[];
  /** Components that come before it, by how much of what they write it reads. */
  readonly upstream: readonly RelatedList<ReaderWay>[];
  /** Components that come after it, by how much of what it writes they read. */
  readonly downstream: readonly RelatedList<ReaderWay>[];
}

/** What the weights of a dictionary say of one of its latents. */
export interface LatentNeighbours {
  readonly similar: readonly RelatedList<Similarity>[];
  /** Cosine of its encoder column and its decoder row; null where it writes elsewhere than it reads. */
  readonly alignment: number | null;
}

/** A component by when it is active: two maxima that go together over random sequences. */
export interface CorrelatedComponent {
  readonly component: string;
  /** Pearson's, −1..1. */
  readonly correlation: number;
}

/** A component by where it is strongest. */
export interface SharedSequences {
  readonly component: string;
  /** Sequences that are among the strongest of both. */
  readonly shared: number;
  /** The same as a share of those that are among the strongest of either. */
  readonly jaccard: number;
}

/** What a sweep says. */
export interface CoActivation {
  /** Id of the text set. */
  readonly source: string;
  /** Sequences that were read. */
  readonly sequenceCount: number;
  /** Random sequences over whose maxima the correlations are: few, so they are rough. */
  readonly sampleCount: number;
  /** Root mean square of the correlation of two independent components; null where there are none: fewer than two sequences. */
  readonly chance: number | null;
  /** Strongest sequences of the component itself that were kept. */
  readonly topCount: number;
  readonly lists: readonly {
    /** Of the components listed. */
    readonly kind: ComponentKind;
    /** By falling size of the correlation. Components whose maximum is always the same have none. */
    readonly correlated: readonly CorrelatedComponent[];
    /** By falling number; those that share none are not listed. */
    readonly shared: readonly SharedSequences[];
  }[];
}

export interface RelatedComponents extends WeightRelations {
  readonly component: string;
  /** Of a latent: id of its dictionary; else null. */
  readonly dictionary: string | null;
  /** Cosine of what a latent reads and what it writes; null for others, and where it writes elsewhere than it reads. */
  readonly alignment: number | null;
  /** Null where no sweep has collected anything. */
  readonly coActivation: CoActivation | null;
}
