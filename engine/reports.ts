/** Everything that can be told besides runs, put together. */
import { CircuitReports } from "./circuit_reports.ts";
import type { PublishedRecords } from "./corpus/published_records.ts";
import { CorpusReports } from "./corpus_reports.ts";
import { DictionaryReports } from "./dictionary_reports.ts";
import type { AssistantOptions } from "./explain/assistant.ts";
import { OpenAiAssistant } from "./explain/openai_assistant.ts";
import { PatientAssistant } from "./explain/patient_assistant.ts";
import { type ConfiguredAssistant, Explanations } from "./explanations.ts";
import type { JobSource } from "./job_source.ts";
import { NodeReports } from "./node_reports.ts";
import { RelatedReports } from "./related_reports.ts";
import type { ReportSource } from "./report_source.ts";
import { SearchReports } from "./search_reports.ts";
import { SideReports } from "./side_reports.ts";
import { SweptTexts } from "./swept.ts";

export interface Reports {
  readonly nodes: NodeReports;
  readonly sides: SideReports;
  readonly circuits: CircuitReports;
  readonly corpus: CorpusReports;
  readonly search: SearchReports;
  readonly related: RelatedReports;
  readonly explanations: Explanations;
  readonly dictionaries: DictionaryReports;
}

export function openReports(
  source: ReportSource,
  jobs: JobSource,
  { published, defaultModel, assistant }: {
    /** By model. */
    readonly published: ReadonlyMap<string, PublishedRecords>;
    readonly defaultModel: () => string;
    readonly assistant: AssistantOptions | null;
  },
): Reports {
  const nodes = new NodeReports(source);
  const shared = { cache: source.cache, swept: new SweptTexts(jobs), defaultModel };
  const corpus = new CorpusReports(jobs, { ...shared, published });
  return {
    nodes,
    sides: new SideReports(source),
    circuits: new CircuitReports(source, nodes),
    corpus,
    search: new SearchReports(jobs, shared),
    related: new RelatedReports(jobs, shared),
    explanations: new Explanations({
      explanations: jobs.store.explanations,
      answers: jobs.store.answers,
      assistant: assistant === null ? null : configured(assistant),
      records: (request, options) => corpus.records(request, options),
      digest: (model, dictionaries) => jobs.digest(model, dictionaries),
      model: (id = defaultModel()) => jobs.model(id),
    }),
    dictionaries: new DictionaryReports(jobs, shared),
  };
}

function configured(options: AssistantOptions): ConfiguredAssistant {
  return { assistant: new PatientAssistant(new OpenAiAssistant(options), options), options };
}
