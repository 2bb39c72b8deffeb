/** `GET /help`. */
import { Hono } from "hono";
import { getCookie } from "hono/cookie";
import { HelpPage } from "../views/pages/help_page.tsx";
import type { AppEnv } from "./env.ts";
import { KEYS_COOKIE } from "./renderer.tsx";

export function helpRoutes(): Hono<AppEnv> {
  return new Hono<AppEnv>().get(
    "/help",
    (c) => c.render(<HelpPage hasKeys={getCookie(c, KEYS_COOKIE) !== "off"} />, { title: "Help and glossary" }),
  );
}
