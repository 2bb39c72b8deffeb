/** Every kind of page of the application over the fake engine, in states that differ in their HTML. */
import { demoForm, type TestApp, testApp } from "./test_app.ts";

/** htmx attributes that pages use; a typing error in one does not fail to compile. */
export const HTMX_ATTRIBUTES: ReadonlySet<string> = new Set([
  "hx-boost",
  "hx-get",
  "hx-post",
  "hx-target",
  "hx-select",
  "hx-swap",
  "hx-swap-oob",
  "hx-inherit",
  "hx-sync",
  "hx-trigger",
  "hx-push-url",
  "hx-disabled-elt",
]);

/** A second prompt, of another length. */
export const PAIR_FIELDS: readonly (readonly [string, string])[] = [
  ["prompt", "Then, Mary and John went to the store. Mary gave a drink to"],
  ["target.1", " John"],
  ["distractor.1", " Mary"],
];

const ALL_CARDS = "cards=effects,lens,code";

/** Paths by name. */
export async function allPages(app: TestApp = testApp()): Promise<ReadonlyMap<string, string>> {
  const runOf = async (form: readonly (readonly [string, string])[]) =>
    (await app.postForm("/runs", form)).headers.get("Location") ?? "";
  const run = await runOf(demoForm());
  const pair = await runOf([...demoForm(), ...PAIR_FIELDS]);
  const changed = await runOf([...demoForm(), ["interventions", "mlp/1/7@0 = 0\n# head/0/1@0<0 = 0"]]);
  const traced = await runOf([...demoForm(), ["trace", "head/0/1@0<0 q"]]);
  const [changedPath = "", off = ""] = changed.split("?");
  const ref = encodeURIComponent("head/0/1@0<0");
  const id = (path: string) => path.split("/").at(-1)?.split("?")[0] ?? "";
  return new Map([
    ["landing", "/"],
    ["debugger", "/debugger"],
    ["debugger without an answer", "/debugger?prompt=Mary+gave"],
    ["help", "/help"],
    ["run", run],
    ["run, everything open", `${run}?${ALL_CARDS}&open=${ref}&open=mlp/1/7@0&pin=${ref}&size=10`],
    ["run, everything folded", `${run}?cards=logits,layers,nodes,checks,provenance`],
    ["run, sorted, filtered, a page", `${run}?sort=activation&dir=asc&q=head&size=10&page=2&lsort=logit&ldir=asc`],
    ["run, nothing passes the filter", `${run}?q=nowhere`],
    ["run, by component", `${run}?group=component`],
    ["run, by token", `${run}?group=token`],
    ["pair", `${pair}?${ALL_CARDS}&open=${ref}`],
    ["changed", `${changedPath}?${off}&open=${ref}&from=${id(run)}`],
    ["traced", `${traced}?open=${ref}`],
    ["data", `${run}/data?card=nodes`],
    ["node", `${run}/node?ref=mlp/1/7@0`],
    ["circuit", `${run}/circuit?pin=${ref}&pin=mlp/1/7@0&selected=${ref}`],
    ["attention", `${run}/attention?head=head/0/1&pin=2`],
    ["attention of a pair", `${pair}/attention?head=head/1/0&metric=directEffect&side=1`],
    ["compare", `/compare?a=${id(run)}&b=${id(pair)}`],
    ["component", `/models/demo/components/head/0/1?run=${id(run)}`],
    ["component without a run", "/models/demo/components/mlp/1/31"],
    [
      "component, everything open",
      "/models/demo/components/head/0/1?all=top,random,quantiles,related&mode=incoming&p=Mary+gave&pin=top.0.2",
    ],
    ["heads", "/models/demo/catalogue"],
    ["neurons", "/models/demo/catalogue?kind=mlp&layer=1&sort=mean&dir=asc"],
    ["search", "/search"],
    ["what fires", "/search?q=Mary+gave+John&layer=1&sort=value"],
    ["what fires at a token, a later page", "/search?q=Mary+gave+John&token=2&page=2"],
    ["what fires on too long a text", `/search?q=${"a+".repeat(80)}`],
    ["a phrase", "/search?q=+doctor&in=text&page=2&texts=2"],
    ["a phrase that is nowhere", "/search?q=qqq&in=text&match=tokens"],
    ["a phrase, not swept", "/search?q=doctor&in=text&set=letters"],
    ["component, what would be sent", "/models/demo/components/mlp/1/7?plan=on"],
    ["explanations", "/explanations"],
    ["explanations found, a later page", "/explanations?q=doctor&page=2"],
    ["explanations found", "/explanations?q=doctor"],
    ["no explanation found", "/explanations?q=qqq"],
    ["jobs", "/jobs"],
    ["jump that leads nowhere", "/jump?to=9:9"],
    ["missing", "/runs/nothing"],
  ]);
}
