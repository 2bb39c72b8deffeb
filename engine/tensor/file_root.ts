/**
 * Weights of one graph may lie in several folders (a model's, its dictionaries'), and ONNX Runtime reads files of one folder only: so that
 * folder is the root of the file system, and every file is named from there.
 */
import { parse, relative, resolve } from "node:path";

export const FILE_ROOT: string = parse(resolve(".")).root;

/** The path of a file as seen from the root, with `/` between its parts. */
export function pathFromRoot(path: string): string {
  return relative(FILE_ROOT, resolve(path)).replaceAll("\\", "/");
}
