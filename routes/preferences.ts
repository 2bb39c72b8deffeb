/** What a reader chooses once for all pages: light or dark, and whether single keys do something. */
import { type Context, Hono } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import type { AppEnv } from "./env.ts";
import { KEYS_COOKIE, THEME_COOKIE, themeOf } from "./renderer.tsx";
import { requestHost } from "./security.ts";

const ONE_YEAR = 365 * 24 * 60 * 60;

/** `POST /theme` and `POST /keys`: keep the choice in a cookie, or forget it, and go back to where it was made. */
export function preferenceRoutes(): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .post("/theme", async (c) => {
      const theme = themeOf(new URLSearchParams(await c.req.text()).get("theme") ?? undefined);
      keepChoice(c, THEME_COOKIE, theme);
      return c.redirect(backPath(c.req.raw), 303);
    })
    .post("/keys", async (c) => {
      const isOff = new URLSearchParams(await c.req.text()).get("keys") === "off";
      keepChoice(c, KEYS_COOKIE, isOff ? "off" : null);
      return c.redirect(backPath(c.req.raw), 303);
    });
}

function keepChoice(c: Context<AppEnv>, cookie: string, value: string | null): void {
  if (value === null) deleteCookie(c, cookie, { path: "/" });
  else setCookie(c, cookie, value, { path: "/", maxAge: ONE_YEAR, sameSite: "Lax", httpOnly: true });
}

/** Path and query of the page that asked, if it is ours. Two slashes at the start would name another host. */
export function backPath(request: Request, otherwise = "/"): string {
  const referrer = URL.parse(request.headers.get("Referer") ?? "");
  if (referrer === null || referrer.host !== requestHost(request)) return otherwise;
  return `${referrer.pathname}${referrer.search}`.replace(/^\/+/, "/");
}
