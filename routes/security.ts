/**
 * What guards a server on somebody's own machine against the pages of other sites: response headers, the names it
 * answers to (DNS rebinding), who may change state (forged requests), and how much it reads.
 */
import type { MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import { HTTPException } from "hono/http-exception";
import { secureHeaders } from "hono/secure-headers";
import { type AppEnv, isApiPath } from "./env.ts";

/** Largest request body in bytes. */
export const MAX_BODY_BYTES = 1_048_576;

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Strict content security policy, no sniffing, no framing. The server speaks plain HTTP, so no HSTS. */
export function pageHeaders(): MiddlewareHandler<AppEnv> {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", "data:"],
      connectSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
    referrerPolicy: "same-origin",
    strictTransportSecurity: false,
    xFrameOptions: "DENY",
  });
}

/** Answers only to the names it was told: another site's name that resolves to this machine gets a 421. */
export function hostCheck(allowedHosts: readonly string[]): MiddlewareHandler<AppEnv> {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  return createMiddleware<AppEnv>(async (c, next) => {
    const host = requestHost(c.req.raw);
    if (!allowed.has(host)) {
      throw new HTTPException(421, {
        message: `This server does not answer to the host ${JSON.stringify(host)}: ` +
          "start it with --allow-host to allow another name",
      });
    }
    await next();
  });
}

/** Reads at most `MAX_BODY_BYTES`, also of a body that does not say its length. */
export function bodyLimit(): MiddlewareHandler<AppEnv> {
  return createMiddleware<AppEnv>(async (c, next) => {
    const { raw } = c.req;
    const declared = raw.headers.get("Content-Length");
    if (declared !== null && Number(declared) > MAX_BODY_BYTES) throw tooLarge();
    if (raw.body !== null && (declared === null || raw.headers.has("Transfer-Encoding"))) {
      c.req.raw = new Request(raw.url, {
        method: raw.method,
        headers: raw.headers,
        body: await readLimited(raw.body),
        signal: raw.signal,
      });
    }
    await next();
  });
}

/** Refuses a change of state that a page of another site asks for; a program without these headers may. */
export function sameOriginCheck(): MiddlewareHandler<AppEnv> {
  return createMiddleware<AppEnv>(async (c, next) => {
    if (!SAFE_METHODS.has(c.req.method)) {
      const site = c.req.header("Sec-Fetch-Site");
      const origin = c.req.header("Origin");
      const isForeignSite = site !== undefined && site !== "same-origin" && site !== "none";
      if (isForeignSite || (origin !== undefined && originHost(origin) !== requestHost(c.req.raw))) {
        throw new HTTPException(403, {
          message: "This request comes from another site: only pages of this server may change its state",
        });
      }
    }
    await next();
  });
}

/** A POST is JSON for the API and form-encoded elsewhere; both are read in no other way. */
export function contentTypeCheck(): MiddlewareHandler<AppEnv> {
  return createMiddleware<AppEnv>(async (c, next) => {
    if (c.req.method === "POST") {
      const expected = isApiPath(c.req.path) ? "application/json" : "application/x-www-form-urlencoded";
      const given = c.req.header("Content-Type")?.split(";")[0]?.trim().toLowerCase() ?? "";
      if (given !== expected) {
        throw new HTTPException(415, {
          message: `Content type ${given === "" ? "is missing" : JSON.stringify(given)}: expected ${expected}`,
        });
      }
    }
    await next();
  });
}

/** The name and port that the request was sent to. */
export function requestHost(request: Request): string {
  return (request.headers.get("Host") ?? new URL(request.url).host).toLowerCase();
}

/** Null for an opaque origin and for one that is no URL. */
function originHost(origin: string): string | null {
  return URL.parse(origin)?.host || null;
}

async function readLimited(body: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  const all = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}

function tooLarge(): HTTPException {
  return new HTTPException(413, { message: `Body is too large: at most ${MAX_BODY_BYTES} bytes (1 MiB) are read` });
}
