/** One place that decides between a whole page and a fragment of one (htmx). */
import type { MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import { createMiddleware } from "hono/factory";
import type { VNode } from "preact";
import { renderToString } from "preact-render-to-string";
import { Document } from "../views/document.tsx";
import type { Theme } from "../views/props.ts";
import type { AssetUrls } from "./assets.ts";
import type { AppEnv } from "./env.ts";

/** Request headers on which the answer depends. */
const FRAGMENT_HEADERS = "HX-Request, HX-History-Restore-Request, HX-Request-Type, HX-Target, HX-Current-URL, Cookie";

/** Name of the cookie that holds the reader's choice of theme. */
export const THEME_COOKIE = "theme";
/** Name of the cookie that holds whether single keys do something: `off`, or nothing. */
export const KEYS_COOKIE = "keys";

declare module "hono" {
  interface ContextRenderer {
    (content: VNode, props: { readonly title: string }): Response | Promise<Response>;
  }
}

/** Makes `c.render` answer htmx with the content alone and everybody else with the whole document. */
export function renderer(assets: AssetUrls): MiddlewareHandler<AppEnv> {
  return createMiddleware<AppEnv>(async (c, next) => {
    c.setRenderer((content, { title }) => {
      c.header("Vary", FRAGMENT_HEADERS, { append: true });
      c.header("Cache-Control", "no-cache");
      if (isFragmentRequest(c.req.raw.headers)) return c.html(renderToString(content));
      const theme = themeOf(getCookie(c, THEME_COOKIE));
      const page = (
        <Document title={title} theme={theme} hasKeys={getCookie(c, KEYS_COOKIE) !== "off"} assets={assets}>
          {content}
        </Document>
      );
      return c.html(`<!doctype html>${renderToString(page)}`);
    });
    await next();
  });
}

/** Whether htmx asks for a part of the page it shows. */
export function isFragmentRequest(headers: Headers): boolean {
  return headers.get("HX-Request") === "true" && headers.get("HX-History-Restore-Request") !== "true" &&
    headers.get("HX-Request-Type") !== "full";
}

/** Anything else than the two themes follows the system. */
export function themeOf(text: string | undefined): Theme {
  return text === "light" || text === "dark" ? text : null;
}
