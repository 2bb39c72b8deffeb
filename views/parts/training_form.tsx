/** What is to be trained, and how. */
import type { VNode } from "preact";
import type { ModelSummary, TrainedArchitecture } from "../../engine/mod.ts";
import type { FieldMessage } from "../props.ts";
import { trainingUrl } from "../urls.ts";
import { Field } from "./field.tsx";

/** Fields as they are typed. */
export interface TrainingFields {
  readonly model: string;
  readonly site: string;
  readonly architecture: string;
  readonly latents: string;
  readonly k: string;
  readonly sparsity: string;
  readonly steps: string;
  readonly batch: string;
  readonly seed: string;
  readonly name: string;
}

export interface TrainingFormProps {
  readonly models: readonly ModelSummary[];
  readonly fields: TrainingFields;
  /** What is wrong with them. */
  readonly messages: readonly FieldMessage[];
  readonly architectures: readonly TrainedArchitecture[];
  /** Hook points to choose from. */
  readonly sites: readonly string[];
}

const SITES_ID = "training-sites";

const NUMBERS = [
  { name: "latents", label: "Latents", help: "Directions; often 4 to 32 times as many as channels." },
  { name: "k", label: "k", help: "Active latents a token, of topk and batchtopk; empty: 32." },
  { name: "sparsity", label: "λ", help: "Weight of the penalty, of relu and jumprelu; empty: 5 and 1." },
  { name: "steps", label: "Steps", help: "" },
  { name: "batch", label: "Tokens a step", help: "" },
  { name: "seed", label: "Seed", help: "The same seed gives the same dictionary." },
] as const;

export function TrainingForm({ models, fields, messages, architectures, sites }: TrainingFormProps): VNode {
  return (
    <form class="card training-form" method="post" action={trainingUrl()}>
      {messages.length === 0 ? null : <p class="error-note" role="alert">It cannot be trained like this: see below.</p>}
      <div class="training-fields">
        <Field id="training-model" label="Model" messages={messages} path="model">
          {(attributes) => (
            <select id="training-model" name="model" {...attributes}>
              {models.map(({ id }) => <option value={id} selected={id === fields.model}>{id}</option>)}
            </select>
          )}
        </Field>
        <Field id="training-site" label="Site" help="A hook point." messages={messages} path="training.site">
          {(attributes) => (
            <input id="training-site" name="site" value={fields.site} list={SITES_ID} required {...attributes} />
          )}
        </Field>
        <Field id="training-architecture" label="Architecture" messages={messages} path="training.architecture">
          {(attributes) => (
            <select id="training-architecture" name="architecture" {...attributes}>
              {architectures.map((name) => <option value={name} selected={name === fields.architecture}>{name}
              </option>)}
            </select>
          )}
        </Field>
        {NUMBERS.map(({ name, label, help }) => (
          <Field
            id={`training-${name}`}
            label={label}
            {...help === "" ? {} : { help }}
            messages={messages}
            path={`training.${name}`}
          >
            {(attributes) => (
              <input id={`training-${name}`} name={name} value={fields[name]} inputmode="decimal" {...attributes} />
            )}
          </Field>
        ))}
        <Field
          id="training-name"
          label="Name"
          help="Empty: site and layer."
          messages={messages}
          path="training.name"
        >
          {(attributes) => <input id="training-name" name="name" value={fields.name} maxlength={80} {...attributes} />}
        </Field>
      </div>
      <datalist id={SITES_ID}>{sites.map((site) => <option value={site} />)}</datalist>
      <button type="submit" class="primary">Train</button>
      <p class="fine-print">
        From a terminal: <code>deno task train-dictionary</code>
      </p>
    </form>
  );
}
