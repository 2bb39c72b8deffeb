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
  const id = (path: string) => path.split("/").at(-1)?.split("?")[0] ?? "";
  const run = await runOf(demoForm());
  const pair = await runOf([...demoForm(), ...PAIR_FIELDS]);
  const changed = await runOf([...demoForm(), ["interventions", "mlp/1/7@0 = 0\n# head/0/1@0<0 = 0"]]);
  const traced = await runOf([...demoForm(), ["trace", "head/0/1@0<0 q"]]);
  const latents = [["basis.mlp", "latent"], ["basis.attention", "latent"], ["dictionary", "resid/0"]] as const;
  const inLatents = await runOf(demoForm(...latents));
  const ablated = await runOf([...demoForm(...latents), ["interventions", "mlp-latent/1/7@0 = 0"]]);
  const errorsOpen = ["attn-latent/1/7@0", "mlp-error/1@0", "resid-latent/0/7@0"].map((name) => `open=${name}`).join(
    "&",
  );
  const [changedPath = "", off = ""] = changed.split("?");
  const ref = encodeURIComponent("head/0/1@0<0");
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
    ["latents", `${inLatents}?${ALL_CARDS}&${errorsOpen}`],
    ["latents by layer", `${inLatents}?group=layer&kind=mlp-latent,error`],
    ["latents on two prompts", await runOf([...demoForm(...latents), ...PAIR_FIELDS])],
    ["a latent ablated", `${ablated.split("?")[0]}?${errorsOpen}`],
    ["sparsity as data", `${inLatents}/data?card=sparsity`],
    ["latent node", `${inLatents}/node?ref=attn-latent/1/7@0`],
    ["error node", `${inLatents}/node?ref=mlp-error/1@0`],
    ["circuit of latents", `${inLatents}/circuit?pin=mlp-latent/1/7@0&pin=mlp-error/0@0&selected=mlp-latent/1/7@0`],
    ["dictionaries", "/models/demo/dictionaries"],
    ["a dictionary measured", "/models/demo/dictionaries?measured=resid/0"],
    ["latent", `/models/demo/components/attn-latent/1/7?run=${id(inLatents)}`],
    ["latent of the second dictionary", "/models/demo/components/mlp-latent/1/200?dictionary=wide/mlp/1"],
    ["data", `${run}/data?card=nodes`],
    ["node", `${run}/node?ref=mlp/1/7@0`],
    ["circuit", `${run}/circuit?pin=${ref}&pin=mlp/1/7@0&selected=${ref}`],
    ["attention", `${run}/attention?head=head/0/1&pin=2`],
    ["attention of a pair", `${pair}/attention?head=head/1/0&metric=directEffect&side=1`],
    ["compare", `/compare?a=${id(run)}&b=${id(pair)}`],
    ["component", `/models/demo/components/head/0/1?run=${id(run)}`],
    ["component with a matrix", "/models/demo/components/head/0/1?matrix=top.0&pin=top.0.1"],
    ["component without a run", "/models/demo/components/mlp/1/31"],
    [
      "component, everything open",
      "/models/demo/components/head/0/1?all=top,random,quantiles,related&mode=incoming&p=Mary+gave&pin=top.0.2",
    ],
    ["latent", "/models/demo/components/mlp-latent/1/7?dictionary=mlp/1"],
    [
      "latent, everything open",
      `/models/demo/components/mlp-latent/1/20?dictionary=wide/mlp/1&all=top,random,quantiles,related&p=Mary&pin=top.0.2`,
    ],
    ["latent, not swept", "/models/demo/components/resid-latent/0/3"],
    ["latents", "/models/demo/catalogue?kind=mlp-latent&dictionary=wide/mlp/1&sort=fractionActive&page=3"],
    ["latents, not swept", "/models/demo/catalogue?kind=resid-latent"],
    ["latents that fire", "/search?q=Mary+gave+John&kind=mlp-latent&dictionary=mlp/1"],
    ["latents on a phrase", "/search?q=+doctor&in=text&kind=attn-latent"],
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
    ["trainings", "/training"],
    ["jump that leads nowhere", "/jump?to=9:9"],
    ["missing", "/runs/nothing"],
  ]);
}
