/**
 * A real Chromium for tests, with no system package: `@sparticuz/chromium` carries the browser, its fonts, and the NSS libraries that a
 * bare machine lacks. Everything is unpacked into a temporary folder of this process, which goes with it.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";

export interface TestBrowser extends AsyncDisposable {
  readonly browser: Browser;
}

export async function launchBrowser(): Promise<TestBrowser> {
  const folder = await Deno.makeTempDir();
  const { executablePath, libraries } = await unpackInto(folder);
  // The package's own configuration looks elsewhere; without any font, Chromium dies at the first form field.
  const fontConfig = join(folder, "fonts.conf");
  await Deno.writeTextFile(
    fontConfig,
    `<fontconfig><dir>${folder}/fonts</dir><dir>/usr/share/fonts</dir><cachedir>${folder}/font-cache</cachedir></fontconfig>`,
  );
  const browser = await chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
    ],
    env: {
      ...Deno.env.toObject(),
      LD_LIBRARY_PATH: [join(libraries, "lib"), Deno.env.get("LD_LIBRARY_PATH") ?? ""].filter((path) => path !== "")
        .join(":"),
      FONTCONFIG_FILE: fontConfig,
      HOME: folder,
    },
  });
  return {
    browser,
    async [Symbol.asyncDispose]() {
      await browser.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/**
 * The package unpacks into the temporary folder that it finds, and takes what is there for complete. It gets a process of its own: test
 * files that run side by side share their environment.
 */
async function unpackInto(folder: string): Promise<{ readonly executablePath: string; readonly libraries: string }> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(import.meta.resolve("./unpack_browser.ts"))],
    env: { TMPDIR: folder },
  }).output();
  if (!success) throw new Error(`Chromium cannot be unpacked: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}
