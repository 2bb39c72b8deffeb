/** Records of components over text sets: found in what sweeps have collected, their values computed when somebody looks. */
import type { Catalogue, CatalogueRequest, LayerRecord, LayerRecordsRequest } from "./corpus/corpus_requests.ts";
import type { ActivationsRequest, RecordsRequest } from "./corpus/corpus_requests.ts";
import type { ComponentRecords, Example } from "./corpus/component_records.ts";
import type { SweepSummary, TextSet } from "./corpus/sweep_summary.ts";
import type { CallOptions } from "./engine.ts";
import { NotFoundError } from "./errors.ts";

export class CorpusReports {
  textSets(_modelId: string): Promise<readonly TextSet[]> {
    return Promise.resolve([]);
  }

  sweeps(_modelId: string): Promise<readonly SweepSummary[]> {
    return Promise.resolve([]);
  }

  records(_request: RecordsRequest, _options: CallOptions): Promise<ComponentRecords> {
    return Promise.reject(new NotFoundError("There are no records yet"));
  }

  catalogue(_request: CatalogueRequest): Promise<Catalogue> {
    return Promise.reject(new NotFoundError("There are no records yet"));
  }

  layerRecords(_request: LayerRecordsRequest): Promise<Iterable<LayerRecord>> {
    return Promise.reject(new NotFoundError("There are no records yet"));
  }

  activations(_request: ActivationsRequest, _options: CallOptions): Promise<readonly Example[]> {
    return Promise.reject(new NotFoundError("There are no records yet"));
  }
}
