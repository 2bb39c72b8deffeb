/** The reader's choice of light or dark. */
import { Hono } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import type { AppEnv } from "./env.ts";
import { THEME_COOKIE, themeOf } from "./renderer.tsx";
import { requestHost } from "./security.ts";

const ONE_YEAR = 365 * 24 * 60 * 60;

/** `POST /theme`: keeps the choice in a cookie, or forgets it, and goes back to where it was made. */
export function themeRoutes(): Hono<AppEnv> {
  return new Hono<AppEnv>().post("/theme", async (c) => {
    const theme = themeOf(new URLSearchParams(await c.req.text()).get("theme") ?? undefined);
    if (theme === null) deleteCookie(c, THEME_COOKIE, { path: "/" });
    else setCookie(c, THEME_COOKIE, theme, { path: "/", maxAge: ONE_YEAR, sameSite: "Lax", httpOnly: true });
    return c.redirect(backPath(c.req.raw), 303);
  });
}

/** Path and query of the page that asked, if it is ours. Two slashes at the start would name another host. */
function backPath(request: Request): string {
  const referrer = URL.parse(request.headers.get("Referer") ?? "");
  if (referrer === null || referrer.host !== requestHost(request)) return "/";
  return `${referrer.pathname}${referrer.search}`.replace(/^\/+/, "/");
}
