/** JSON files beside weights: small, and objects. */
import { stat } from "node:fs/promises";
import { z } from "zod";
import { OpenFile, refuse } from "./byte_source.ts";

/** Largest file accepted, in bytes: configurations have a few thousand. */
const MAX_JSON_BYTES = 1024 * 1024;

export type JsonObject = Readonly<Record<string, unknown>>;

/** Reads an object; null where there is no such file. @throws {FileFormatError} if it is too large or no JSON object. */
export async function readJsonObject(path: string, name: string): Promise<JsonObject | null> {
  if (!(await isFile(path))) return null;
  await using file = await OpenFile.open(path, name);
  if (file.size > MAX_JSON_BYTES) {
    return refuse(name, `it has ${file.size} bytes, at most ${MAX_JSON_BYTES} are accepted`);
  }
  const parsed = parse(new TextDecoder().decode(await file.read(0, file.size)));
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    return refuse(name, "expected a JSON object");
  }
  return { ...parsed };
}

/** An object of the expected form. @throws {FileFormatError} naming the first field that is wrong. */
export function checked<T extends z.ZodType>(schema: T, value: JsonObject, name: string): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join(".") ?? "";
  return refuse(name, `${field === "" ? "" : `${field}: `}${issue?.message ?? "it is not of the expected form"}`);
}

/** What a table has under a word that comes from a file. */
export function ownOf<T>(table: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then((found) => found.isFile(), () => false);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
