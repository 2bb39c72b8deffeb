/** A run: what was asked and what the answer is, card by card. */
import type { VNode } from "preact";
import type { RunResult, Side } from "../../engine/mod.ts";
import { formatNumber, formatSigned, quotedToken } from "../format.ts";
import type { ShownRun } from "../props.ts";
import { ChangesCard } from "./changes_card.tsx";
import { LogitTable } from "./logit_table.tsx";
import { MeasuredCard } from "./measured_card.tsx";
import { NodeTable } from "./node_table.tsx";
import { ChecksCard, ProvenanceCard } from "./run_facts.tsx";
import { TokenStrip } from "./token_strip.tsx";

/** Id of the place of the run, filled or not. */
export const RUN_ID = "run";

export type RunShellProps = ShownRun;

/** The answer, which replaces the one before. A failed check comes first: nothing below it is to be trusted. */
export function RunShell({ result, view, curl, changes, trace, measurement }: RunShellProps): VNode {
  const isSound = result.checks.every(({ ok }) => ok);
  return (
    <div id={RUN_ID} class="run" data-run={result.id}>
      <p class="stale-note" aria-hidden="true">
        The answer to the question asked before; the new one is being computed.
      </p>
      {isSound ? null : <ChecksCard checks={result.checks} />}
      <Summary result={result} trace={trace} />
      <ChangesCard changes={changes} trace={trace} />
      <LogitTable result={result} pair={view.pair} />
      <NodeTable result={result} view={view} />
      <MeasuredCard id={result.id} measurement={measurement} />
      {isSound ? <ChecksCard checks={result.checks} /> : null}
      <ProvenanceCard result={result} curl={curl} />
    </div>
  );
}

/** The place of a run before the first question. */
export function EmptyRun(): VNode {
  return (
    <div id={RUN_ID} class="run">
      <p class="card empty-state">
        No question has been asked on this page yet. <strong>Run</strong>{" "}
        shows the likeliest next tokens and the heads, neurons and embeddings behind them.
      </p>
    </div>
  );
}

function Summary({ result, trace }: { readonly result: RunResult } & Pick<ShownRun, "trace">): VNode {
  const { sides, alignment } = result;
  const [left, right] = sides;
  const isMarked = left?.tokens.some(({ id }, index) => right?.tokens[index]?.id !== id) ?? false;
  return (
    <section class="card summary" aria-labelledby="summary-title">
      <h2 id="summary-title" tabIndex={-1}>{trace === null ? "Objective" : "Traced node"}</h2>
      <div class={sides.length > 1 ? "objectives objectives-two" : "objectives"}>
        {sides.map((side) => (
          <div class="objective">
            {sides.length > 1 ? <span class="objective-side">{side.label}</span> : null}
            <span class="objective-value" title={String(side.objective)}>{formatSigned(side.objective)}</span>
            <p>{trace === null ? objectiveInWords(result, side) : traceInWords(result, side)}</p>
            <TokenStrip side={side} other={sides.find((candidate) => candidate !== side)} alignment={alignment} />
          </div>
        ))}
        {left !== undefined && right !== undefined
          ? (
            <div class="objective objective-difference">
              <span class="objective-side">{left.label} − {right.label}</span>
              <span class="objective-value" title={String(left.objective - right.objective)}>
                {formatSigned(left.objective - right.objective)}
              </span>
              <p>
                How much the change of {left.label === "ablated" ? "inner values" : "prompt"} moves the{" "}
                {trace === null ? "objective" : "traced node"}.
                {isMarked ? " Tokens in which the prompts differ are marked ≠." : ""}
                {alignment === null
                  ? ""
                  : " The prompts are aligned by their common beginning and end; nodes at other tokens have one side only."}
              </p>
            </div>
          )
          : null}
      </div>
    </section>
  );
}

/** What the traced number is, for people. */
function traceInWords({ spec: { trace } }: RunResult, side: Side): string {
  if (trace === null) return "";
  const { node: name, path, towards, activation } = trace;
  const where = `The table shows what makes ${name} what it is; logits are those after token ${side.position}.`;
  if (path === null) return `Its ${activation}-activation. ${where}`;
  if (path !== "v") return `Its ${activation === "pre" ? "attention score" : "attention"}, through ${path}. ${where}`;
  return `What its value adds to ${towards ?? "the objective"}. ${where}`;
}

/** What the number says, for people. */
function objectiveInWords({ spec: { objective: { kind } } }: RunResult, side: Side): string {
  const names = (role: "target" | "distractor") =>
    side.logits.filter((row) => row.role === role).map(({ text }) => quotedToken(text)).join(", ");
  const [targets, distractors] = [names("target"), names("distractor")];
  const mean = side.logits.filter(({ role }) => role === "target").length > 1 ? "Mean logit" : "Logit";
  const where = `after token ${side.position}`;
  const best = side.logits[0];
  const prediction = best === undefined
    ? ""
    : ` The model’s first choice is ${quotedToken(best.text)}, at logit ${formatNumber(best.logit)}.`;
  switch (kind) {
    case "logit-diff":
      return distractors === ""
        ? `${mean} of ${targets}, ${where}.${prediction}`
        : `${mean} of ${targets} minus that of ${distractors}, ${where}.${prediction}`;
    case "logit":
      return `${mean} of ${targets} minus the mean of all logits, ${where}.${prediction}`;
    case "log-prob":
      return `Log-probability of ${targets}, ${where}.${prediction}`;
    case "prob":
      return `Probability of ${targets}, ${where}.${prediction}`;
  }
}
