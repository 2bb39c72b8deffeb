/**
 * Style sheets, scripts and the icon: read once at the start, served from memory. A request's path is only ever looked
 * up among the known files. An address that carries the right content hash is cached for good.
 */
import { createHash } from "node:crypto";
import { Hono } from "hono";
import { NotFoundError } from "../engine/mod.ts";
import type { AppEnv } from "./env.ts";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
  ico: "image/x-icon",
  woff2: "font/woff2",
  txt: "text/plain; charset=utf-8",
};

const STATIC_FOLDER = new URL("../static/", import.meta.url);
const HTMX_PATH = "/static/js/htmx.min.js";

/** The addresses that a page links. */
export interface AssetUrls {
  readonly css: readonly string[];
  readonly scripts: readonly string[];
  readonly icon: string;
}

interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  readonly hash: string;
}

/** Every file that is served, by its path. */
export type Assets = ReadonlyMap<string, Asset>;

/** Reads every file in the static folder, and htmx from its package. */
export function loadAssets(): Assets {
  const assets = new Map<string, Asset>();
  readFolder(STATIC_FOLDER, "/static/", assets);
  assets.set(HTMX_PATH, readAsset(new URL("./htmx.min.js", import.meta.resolve("htmx.org"))));
  return assets;
}

/** Addresses with content hashes; htmx comes before the scripts that use it. */
export function assetUrls(assets: Assets): AssetUrls {
  const urlsOf = (extension: string): string[] =>
    [...assets].filter(([path]) => path.endsWith(extension)).toSorted(([a], [b]) => order(a, b)).map((
      [path, { hash }],
    ) => `${path}?v=${hash}`);
  return { css: urlsOf(".css"), scripts: urlsOf(".js"), icon: urlsOf(".svg")[0] ?? "" };
}

/** `/static/*`. */
export function assetRoutes(assets: Assets): Hono<AppEnv> {
  return new Hono<AppEnv>().get("/static/*", (c) => {
    const asset = assets.get(c.req.path);
    if (asset === undefined) throw new NotFoundError("There is no such file");
    const etag = `"${asset.hash}"`;
    c.header("ETag", etag);
    c.header(
      "Cache-Control",
      c.req.query("v") === asset.hash ? "public, max-age=31536000, immutable" : "no-cache",
    );
    if (c.req.header("If-None-Match") === etag) return c.body(null, 304);
    return c.body(asset.bytes, 200, { "Content-Type": asset.contentType });
  });
}

function readFolder(folder: URL, path: string, assets: Map<string, Asset>): void {
  for (const { name, isDirectory, isFile } of Deno.readDirSync(folder)) {
    if (isDirectory) readFolder(new URL(`${encodeURIComponent(name)}/`, folder), `${path}${name}/`, assets);
    if (isFile) assets.set(`${path}${name}`, readAsset(new URL(encodeURIComponent(name), folder)));
  }
}

function readAsset(url: URL): Asset {
  const bytes = Deno.readFileSync(url);
  const contentType = CONTENT_TYPES[url.pathname.split(".").at(-1) ?? ""] ?? "application/octet-stream";
  return { bytes, contentType, hash: createHash("sha256").update(bytes).digest("hex").slice(0, 16) };
}

function order(a: string, b: string): number {
  const isLibrary = (path: string): number => path === HTMX_PATH ? 0 : 1;
  return isLibrary(a) - isLibrary(b) || (a < b ? -1 : 1);
}
