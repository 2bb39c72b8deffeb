/** What is asked of a loaded dictionary, and told. */
import { z } from "zod";
import type { DictionaryMetrics } from "./metrics.ts";

export const measureDictionarySchema = z.strictObject({
  model: z.string().optional().meta({ description: "Id of a loaded model; default: the first" }),
  dictionary: z.string().max(300).meta({ description: "Id of one of its dictionaries" }),
  textSet: z.string().max(200).optional().meta({ description: "Id of a text set; default: the first" }),
  maxTokens: z.int().min(256).max(65_536).default(4096).meta({
    description: "Tokens that are read at most, of the tenth of the sequences that trainings leave out",
  }),
});

export type MeasureDictionaryRequest = z.input<typeof measureDictionarySchema>;

export interface DictionaryReport {
  readonly model: string;
  readonly dictionary: string;
  readonly textSet: string;
  readonly metrics: DictionaryMetrics;
}
