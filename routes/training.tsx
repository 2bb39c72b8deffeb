/** `GET /training` and `POST /training`: dictionaries are trained, and it can be seen how that goes. */
import { type Context, Hono } from "hono";
import {
  type Engine,
  EngineError,
  type Job,
  type JobRequest,
  TRAINED_ARCHITECTURES,
  type TrainedArchitecture,
  TRAINING_SITES,
  type TrainingInput,
  ValidationError,
} from "../engine/mod.ts";
import { type ShownTraining, TrainingPage, TRAININGS_ID, TrainingsContent } from "../views/pages/training_page.tsx";
import type { TrainingFields } from "../views/parts/training_form.tsx";
import type { FieldMessage } from "../views/props.ts";
import { trainingUrl } from "../views/urls.ts";
import type { AppEnv, Deps } from "./env.ts";
import { isFragmentRequest } from "./renderer.tsx";

/** Trainings whose curves are on the page. */
const SHOWN = 8;

/** Longest field that is read, in characters. */
const MAX_FIELD_CHARACTERS = 200;

const DEFAULTS: TrainingFields = {
  model: "",
  site: "blocks.0.hook_mlp_out",
  architecture: "topk",
  latents: "512",
  k: "16",
  sparsity: "",
  steps: "2000",
  batch: "1024",
  seed: "0",
  name: "",
};

export function trainingRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .get("/training", async (c) => {
      const isPart = isFragmentRequest(c.req.raw.headers) && c.req.header("HX-Target") === TRAININGS_ID;
      if (!isPart) return await renderPage(c, engine, { fields: DEFAULTS, messages: [] });
      return c.render(<TrainingsContent {...await shownTrainings(engine)} />, { title: "Train a dictionary" });
    })
    .post("/training", async (c) => {
      const fields = fieldsOf(new URLSearchParams(await c.req.text()));
      try {
        await engine.startJob(requestOf(fields));
      } catch (error) {
        if (!(error instanceof ValidationError)) throw error;
        c.status(422);
        return await renderPage(c, engine, { fields, messages: error.issues });
      }
      return c.redirect(trainingUrl(), 303);
    });
}

async function renderPage(
  c: Context<AppEnv>,
  engine: Engine,
  { fields, messages }: { readonly fields: TrainingFields; readonly messages: readonly FieldMessage[] },
): Promise<Response> {
  const models = engine.models();
  const layers = Math.max(0, ...models.map(({ layerCount }) => layerCount));
  return c.render(
    <TrainingPage
      models={models}
      fields={{ ...fields, model: fields.model === "" ? models[0]?.id ?? "" : fields.model }}
      messages={messages}
      architectures={TRAINED_ARCHITECTURES}
      sites={Array.from({ length: layers }, (_, layer) => TRAINING_SITES.map((site) => `blocks.${layer}.${site}`))
        .flat()}
      {...await shownTrainings(engine)}
    />,
    { title: "Train a dictionary" },
  );
}

async function shownTrainings(
  engine: Engine,
): Promise<{ readonly trainings: readonly ShownTraining[]; readonly olderCount: number }> {
  const jobs = engine.jobs().filter(({ kind }) => kind === "train").toReversed();
  const trainings = await Promise.all(jobs.slice(0, SHOWN).map((job) => shown(engine, job)));
  return { trainings, olderCount: Math.max(0, jobs.length - SHOWN) };
}

/** One whose model or texts are no longer there does not take the others with it. */
async function shown(engine: Engine, job: Job): Promise<ShownTraining> {
  try {
    return { job, report: await engine.training(job.id), problem: null };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { job, report: null, problem: error.message };
  }
}

function fieldsOf(form: URLSearchParams): TrainingFields {
  const field = (name: keyof TrainingFields) => (form.get(name) ?? "").trim().slice(0, MAX_FIELD_CHARACTERS);
  return {
    model: field("model"),
    site: field("site"),
    architecture: field("architecture"),
    latents: field("latents"),
    k: field("k"),
    sparsity: field("sparsity"),
    steps: field("steps"),
    batch: field("batch"),
    seed: field("seed"),
    name: field("name"),
  };
}

/** A field that is empty, or belongs to another architecture, is left to its default. */
function requestOf(fields: TrainingFields): JobRequest {
  const { model, site, name } = fields;
  const isTopK = fields.architecture.endsWith("topk");
  // What it may be is said when it is checked with all the rest.
  const architecture = fields.architecture as TrainedArchitecture;
  const training: TrainingInput = {
    site,
    architecture,
    latents: Number(fields.latents),
    ...numberOf("steps", fields.steps),
    ...numberOf("batch", fields.batch),
    ...numberOf("seed", fields.seed),
    ...isTopK ? numberOf("k", fields.k) : numberOf("sparsity", fields.sparsity),
    ...name === "" ? {} : { name },
  };
  return { kind: "train", training, ...model === "" ? {} : { model } };
}

function numberOf<Name extends string>(name: Name, text: string): { readonly [K in Name]?: number } {
  return text === "" ? {} : { [name]: Number(text) } as { readonly [K in Name]: number };
}
