/** The application over a fake engine, and requests as a browser, htmx or a program would send them. */
import { parseHTML } from "linkedom";
import { createApp } from "../../routes/app.ts";
import { FakeEngine } from "./fake_engine.ts";

/** The only host that the test application answers to, apart from `localhost:8000`. */
export const HOST = "127.0.0.1:8000";

/** Headers that htmx sends. */
export const HTMX = { "HX-Request": "true" } as const;

/** A question that the fake engine answers. */
export const DEMO_QUESTION = {
  prompts: [{ text: "John gave a drink to", targets: [" Mary"], distractors: [" John"] }],
} as const;

/** The same in latents. */
export const LATENT_QUESTION = { ...DEMO_QUESTION, basis: { mlp: "latent", attention: "latent" } } as const;

/** What a test does to the application. */
export interface TestApp {
  readonly engine: FakeEngine;
  /** Lines that were logged. */
  readonly log: readonly string[];
  /** Sends a request as it is, but with a good Host header unless another is given. */
  send(path: string, init?: RequestInit): Promise<Response>;
  postJson(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** Submits a form; fields are name and value, names may repeat. */
  postForm(path: string, fields: readonly (readonly [string, string])[], headers?: HeaderFields): Promise<Response>;
}

type HeaderFields = Readonly<Record<string, string>>;

/** A fresh application. */
export function testApp(): TestApp {
  const engine = new FakeEngine();
  const log: string[] = [];
  const app = createApp({ engine, allowedHosts: [HOST, "localhost:8000"], log: (line) => log.push(line) });
  const send = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    if (!headers.has("Host")) headers.set("Host", HOST);
    return await app.request(new Request(`http://${HOST}${path}`, { ...init, headers }));
  };
  return {
    engine,
    log,
    send,
    postJson: (path, body, headers = {}) =>
      send(path, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    postForm: (path, fields, headers = {}) =>
      send(path, {
        method: "POST",
        headers: { "Content-Type": "application/x-www-form-urlencoded", ...headers },
        body: new URLSearchParams(fields.map(([name, value]) => [name, value])).toString(),
      }),
  };
}

/** The demo question as the form sends it. */
export function demoForm(...changed: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  const names = new Set(changed.map(([name]) => name));
  const usual: readonly (readonly [string, string])[] = [
    ["model", "demo"],
    ["prompt", "John gave a drink to"],
    ["target.0", " Mary"],
    ["distractor.0", " John"],
    ["objective", "logit-diff"],
    ["position", "-1"],
    ["k", "10"],
    ["bos", "on"],
    ["freezeFinalNorm", "on"],
    ["basis.mlp", "neuron"],
    ["basis.attention", "head"],
  ];
  return [...usual.filter(([name]) => !names.has(name)), ...changed];
}

/** Parses HTML, a whole page or a fragment. */
export function parsePage(html: string): Document {
  const isPage = html.startsWith("<!doctype html>");
  const { document } = parseHTML(isPage ? html : `<!doctype html><html><head></head><body>${html}</body></html>`);
  // As in HTML's standard, which linkedom does not follow here: the first line break of a textarea is not its text.
  for (const area of document.querySelectorAll("textarea")) area.textContent = area.textContent.replace(/^\n/, "");
  return document;
}
