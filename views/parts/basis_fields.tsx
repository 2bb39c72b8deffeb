/** In what the model's parts are shown, and through which dictionaries. Nothing of it is there for a model without. */
import type { VNode } from "preact";
import type { LatentKind } from "../../engine/mod.ts";
import { dictionaryInWords } from "../dictionary_words.ts";
import type { FieldMessage, ModelDictionary, QuestionFields } from "../props.ts";
import { dictionariesUrl } from "../urls.ts";
import { ChangeButton } from "./change_button.tsx";
import { FieldMessages, messagesAt } from "./field.tsx";

/** Names of the form's fields. */
export const MLP_BASIS_FIELD = "basis.mlp";
export const ATTENTION_BASIS_FIELD = "basis.attention";
export const DICTIONARY_FIELD = "dictionary";

export interface BasisFieldsProps {
  readonly dictionaries: readonly ModelDictionary[];
  readonly fields: QuestionFields;
  readonly messages: readonly FieldMessage[];
}

export function BasisFields({ dictionaries, fields, messages }: BasisFieldsProps): VNode | null {
  const { mlpBasis, attentionBasis } = fields;
  const own = ["basis", "dictionaries", "dropErrors"].flatMap((path) => messagesAt(messages, path));
  const isPlain = mlpBasis === "neuron" && attentionBasis === "head" && fields.dictionaries.length === 0;
  if (dictionaries.length === 0 && isPlain && own.length === 0) return null;
  const has = (kind: LatentKind) => dictionaries.some((detail) => detail.kind === kind);
  return (
    <div class="basis">
      <div class="basis-switches">
        {has("mlp-latent") || mlpBasis !== "neuron"
          ? <Switch part="mlp" title="MLPs in" words={["neuron", "latent"]} chosen={mlpBasis} messages={messages} />
          : null}
        {has("attn-latent") || attentionBasis !== "head"
          ? (
            <Switch
              part="attention"
              title="Attention in"
              words={["head", "latent"]}
              chosen={attentionBasis}
              messages={messages}
            />
          )
          : null}
      </div>
      <Choice dictionaries={dictionaries} fields={fields} messages={messages} />
    </div>
  );
}

interface SwitchProps {
  readonly part: "mlp" | "attention";
  readonly title: string;
  readonly words: readonly [string, string];
  readonly chosen: string;
  readonly messages: readonly FieldMessage[];
}

/** Two buttons, each of which asks the question at once; the hidden field says what is chosen now. */
function Switch({ part, title, words, chosen, messages }: SwitchProps): VNode {
  const name = `basis.${part}`;
  return (
    <div class="basis-switch" role="group" aria-labelledby={`${name}-title`}>
      <input type="hidden" name={name} value={chosen} />
      <span id={`${name}-title`} class="basis-title">{title}</span>
      <span class="switch-buttons">
        {words.map((word) => (
          <ChangeButton id={`${name}-${word}`} change={`basis ${part} ${word}`} isPressed={word === chosen}>
            {word}s
          </ChangeButton>
        ))}
      </span>
      <FieldMessages id={name} messages={messagesAt(messages, name)} />
    </div>
  );
}

const GROUPS: readonly { readonly kind: LatentKind; readonly title: string }[] = [
  { kind: "mlp-latent", title: "Of the MLPs: ticked ones, instead of the first of each layer" },
  { kind: "attn-latent", title: "Of the attention: ticked ones, instead of the first of each layer" },
  { kind: "resid-latent", title: "Of the residual stream: none but the ticked ones" },
];

/** Which dictionaries, folded away while nothing is out of the usual. */
function Choice(
  { dictionaries, fields: { model, dictionaries: ticked, dropErrors }, messages }: BasisFieldsProps,
): VNode {
  const wrong = [...messagesAt(messages, "dictionaries"), ...messagesAt(messages, "dropErrors")];
  const unknown = ticked.filter((tick) => dictionaries.every(({ id }) => id !== tick));
  return (
    <details class="dictionary-choice" open={ticked.length > 0 || dropErrors || wrong.length > 0}>
      <summary>
        {dictionaries.length === 1 ? "1 dictionary" : `${dictionaries.length} dictionaries`}
        {ticked.length === 0 ? "" : `, ${ticked.length} ticked`}
        {dropErrors ? ", reconstructions alone" : ""}
      </summary>
      <FieldMessages id="dictionaries" messages={wrong} />
      {GROUPS.map(({ kind, title }) => {
        const own = dictionaries.filter((detail) => detail.kind === kind);
        return own.length === 0 ? null : (
          <fieldset>
            <legend>{title}</legend>
            <ul class="dictionary-list">
              {own.map((detail) => (
                <li>
                  <label>
                    <input
                      type="checkbox"
                      name={DICTIONARY_FIELD}
                      value={detail.id}
                      checked={ticked.includes(detail.id)}
                    />{" "}
                    <code>{detail.id}</code> <span class="fine-print">{dictionaryInWords(detail)}</span>
                  </label>
                </li>
              ))}
            </ul>
          </fieldset>
        );
      })}
      {unknown.map((id) => (
        <label>
          <input type="checkbox" name={DICTIONARY_FIELD} value={id} checked /> <code>{id}</code>{" "}
          <span class="fine-print">not a dictionary of this model</span>
        </label>
      ))}
      <label class="drop-errors">
        <input type="checkbox" name="dropErrors" value="on" checked={dropErrors} />{" "}
        Run on reconstructions alone, without what the dictionaries leave out: another model
      </label>
      <p class="fine-print">
        <a href={dictionariesUrl(model)}>What is known of each</a>
      </p>
    </details>
  );
}
