/** In an open row: the best that is said of the node's component. Failing to score it keeps the sentence. */
import type { VNode } from "preact";
import type { ComponentExplanations } from "../../engine/mod.ts";
import { componentUrl } from "../urls.ts";
import { explainerName, ExplanationText, scoreWords } from "./explanation_item.tsx";
import { EXPLANATIONS_ID } from "./explanations_card.tsx";

export interface NodeExplanationProps {
  readonly model: string;
  readonly runId: string;
  readonly found: ComponentExplanations;
}

export function NodeExplanation({ model, runId, found }: NodeExplanationProps): VNode {
  const { component, dictionary, explanations: [best, ...others] } = found;
  const href = `${componentUrl(model, component, { run: runId, dictionary })}#${EXPLANATIONS_ID}`;
  if (best === undefined) {
    return (
      <p class="node-explanation fine-print">
        No explanation of {component} yet. <a href={href}>Explain it</a>
      </p>
    );
  }
  return (
    <p class="node-explanation">
      <ExplanationText explanation={best} />{" "}
      <span class="fine-print">
        {explainerName(best)}, {scoreWords(best)}.{" "}
        <a href={href}>{others.length === 0 ? "More about it" : `${others.length} more`}</a>
      </span>
    </p>
  );
}
