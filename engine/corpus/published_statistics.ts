/** Statistics of a component as far as a published file tells them. */
import type { ComponentKind } from "./component.ts";
import type { Example, ValueStatistics } from "./component_records.ts";
import { BIN_COUNT, BIN_EDGES, binOf, quantile } from "./histogram.ts";
import type { Moments } from "./published_file.ts";
import { QUANTILE_SHARES } from "./quantile_shares.ts";

/** What of a file tells statistics. */
export interface PublishedValues {
  readonly kind: ComponentKind;
  /** Over all texts of the publisher. */
  readonly moments: Moments;
  readonly random: readonly Example[];
  /** Every example of the file, the random ones too. */
  readonly all: readonly Example[];
}
