/** A run: what was asked and what the answer is, card by card. */
import type { VNode } from "preact";
import type { RunResult, Side } from "../../engine/mod.ts";
import { HeatLegend } from "../charts/heat_legend.tsx";
import { PartSums } from "../charts/part_sums.tsx";
import { LayerSummary } from "../charts/layer_summary.tsx";
import { formatNumber, formatSigned, quotedToken } from "../format.ts";
import type { ShownRun } from "../props.ts";
import { componentOf, placeOnSide, placesOf } from "../refs.ts";
import { runUrl } from "../urls.ts";
import { Card, DataLink, RUN_ID } from "./card.tsx";
import { ChangesCard } from "./changes_card.tsx";
import { EffectsCard } from "./effects_card.tsx";
import { LensCard } from "./lens_card.tsx";
import { LogitTable } from "./logit_table.tsx";
import { MeasuredCard } from "./measured_card.tsx";
import { NodeTable } from "./node_table.tsx";
import { ChecksCard, CodeCard, ProvenanceCard } from "./run_facts.tsx";
import { SparsityCard } from "./sparsity_card.tsx";
import { TokenStrip } from "./token_strip.tsx";
import { TokenPager, tokenWindow } from "./token_window.tsx";

export type RunShellProps = ShownRun;

/** The answer, which replaces the one before. A failed check comes first: nothing below it is to be trusted. */
export function RunShell(run: RunShellProps): VNode {
  const { result, view } = run;
  const { id, sides } = result;
  const isSound = result.checks.every(({ ok }) => ok);
  return (
    <div id={RUN_ID} class="run" data-run={id} data-url={runUrl(id, view)}>
      <p class="stale-note" aria-hidden="true">
        The answer to the question asked before; the new one is being computed.
      </p>
      {isSound ? null : <ChecksCard result={result} view={view} />}
      <ChangesCard {...run} />
      <Summary {...run} />
      <LogitTable result={result} view={view} />
      <EffectsCard result={result} view={view} />
      <Card
        name="layers"
        title="Layers"
        runId={id}
        view={view}
        hasData
        note={
          <p class="fine-print">
            What all heads and all neurons of each layer add together{result.dictionaries === undefined
              ? ""
              : ", in whatever basis the table shows them"}. Direct effects add up to the{" "}
            {result.objectiveKind === "trace" ? "traced node" : "objective"}; total effects are estimates, each counted
            with what it does through later layers, and do not.
            {result.spec.dropErrors === true
              ? " This model runs on reconstructions: the bars are what parts would have added, the sums below what was."
              : ""}
          </p>
        }
      >
        <LayerSummary result={result} pair={sides.length > 1 ? view.pair : [0, 0]} />
        <PartSums result={result} pair={view.pair} />
      </Card>
      <SparsityCard result={result} view={view} />
      <NodeTable {...run} />
      <LensCard {...run} />
      <MeasuredCard id={id} measurement={run.measurement} />
      {isSound ? <ChecksCard result={result} view={view} /> : null}
      <ProvenanceCard result={result} view={view} />
      <CodeCard {...run} />
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

function Summary({ result, trace, view }: ShownRun): VNode {
  const { sides, alignment } = result;
  const [left, right] = sides.length > 1 ? view.pair.map((side) => sides[side]) : sides;
  const isMarked = sides.some((side) =>
    side.tokens.some(({ id }, index) => counterpartOf(side, sides)?.tokens[index]?.id !== id)
  );
  return (
    <section class="card summary" aria-labelledby="summary-title">
      <div class="card-head">
        <h2 id="summary-title" tabIndex={-1}>{trace === null ? "Objective" : "Traced node"}</h2>
        <DataLink runId={result.id} card={null} title="everything" />
      </div>
      <div class={sides.length > 1 ? "objectives objectives-two" : "objectives"}>
        {sides.map((side, index) => (
          <div class="objective">
            {sides.length > 1 ? <span class="objective-side">{side.label}</span> : null}
            <span class="objective-value" title={String(side.objective)}>{formatSigned(side.objective)}</span>
            <p>{trace === null ? objectiveInWords(result, side) : traceInWords(result, side)}</p>
            <TokenStrip
              side={side}
              other={counterpartOf(side, sides)}
              alignment={alignment}
              effects={result.sums.totalEffect.embed[index] ?? []}
              window={tokenWindow(side, view)}
            />
            <TokenPager id={`strip-${side.label}`} runId={result.id} side={side} view={view} />
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
      <HeatLegend low="lowers it" high="raises it" note="shade of a token: total effect of its embedding" />
    </section>
  );
}

/** The side with the other prompt, changed or clean as this one; of one prompt, itself. */
function counterpartOf({ label }: Side, sides: readonly Side[]): Side | undefined {
  const wanted = label.replace(/left|right/, (prompt) => prompt === "left" ? "right" : "left");
  return sides.find((side) => side.label === wanted);
}

const PATHS_IN_WORDS = { q: "query", k: "key", qk: "query and key", v: "value" } as const;

/** What the traced number is, for people. */
function traceInWords({ spec: { trace }, alignment }: RunResult, side: Side): string {
  if (trace === null) return "";
  const { node: name, path, towards, activation } = trace;
  const [at = "", from = ""] = placesOf(name).map((token) => {
    const place = placeOnSide(token, side, alignment);
    return `token ${place} ${quotedToken(side.tokens[place]?.text ?? "")}`;
  });
  const component = componentOf(name) ?? name;
  const read = `The table shows what makes it so; logits are those after token ${side.position}.`;
  if (path === null) return `What drives ${component} at ${at}: its ${activation}-activation. ${read}`;
  if (path === "v") {
    return `What the value of ${component}, read at ${from}, adds to ${towards ?? "the objective"}. ${read}`;
  }
  const score = activation === "pre" ? "attention score" : "attention";
  return `Why ${component} looks from ${at} to ${from}: its ${score}, through its ${PATHS_IN_WORDS[path]}. ${read}`;
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
