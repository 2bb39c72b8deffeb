/** Unpacks Chromium into the temporary folder of this process, and prints where its program and its libraries are, as JSON. */
import chromiumPackage, { inflate } from "@sparticuz/chromium";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const archive = join(dirname(fileURLToPath(import.meta.resolve("@sparticuz/chromium"))), "..", "bin", "al2023.tar.br");
const unpacked = { executablePath: await chromiumPackage.executablePath(), libraries: await inflate(archive) };
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(unpacked)));
