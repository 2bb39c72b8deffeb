/** What the routes are given, and what a request carries along. */
import type { Engine } from "../engine/mod.ts";

/** What the routes depend on; `main.ts` fills it in, tests pass fakes. */
export interface Deps {
  readonly engine: Engine;
  /** Values of the `Host` header that are answered, as in `localhost:8000`. */
  readonly allowedHosts: readonly string[];
  /** Takes one line of the log at a time; default: nowhere. */
  readonly log?: (line: string) => void;
}

/** Hono's environment of every app and sub-app. */
export interface AppEnv {
  Variables: {
    requestId: string;
  };
}

/** Everything under this path is for programs: JSON, CSV and safetensors. */
export const API_PREFIX = "/api/v1";

/** Whether a path is the API's, which answers errors as JSON. */
export function isApiPath(path: string): boolean {
  return path === API_PREFIX || path.startsWith(`${API_PREFIX}/`);
}
