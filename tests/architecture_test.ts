/**
 * The import law, checked on every file of the project, also those that nothing reaches from `main.ts`:
 *
 *     main.ts  →  routes/, engine/mod.ts, engine/config.ts
 *     routes/  →  views/, engine/mod.ts
 *     views/   →  preact, d3-*, and types of engine/mod.ts
 *     engine/  →  each folder only itself and those before it; files directly in engine/ put the folders together
 */
import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path/posix";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A folder may import itself and the folders before it. */
const ENGINE_FOLDERS = [
  "tensor",
  "onnx",
  "autodiff",
  "runtime",
  "model",
  "circuit",
  "dictionaries",
  "corpus",
  "explain",
  "jobs",
  "store",
];

/** Packages that only files at these paths may import. */
const RESERVED_PACKAGES: Readonly<Record<string, RegExp>> = {
  "onnxruntime-node": /^engine\/runtime\//,
  "@bufbuild/protobuf": /^engine\/onnx\/proto/,
  "node:sqlite": /^engine\/store\//,
  "openai": /^engine\/explain\//,
};

/** Packages that views are made of. */
const VIEW_PACKAGES = /^(preact|d3-[a-z-]+)$/;

/** Packages that the engine has no business with. */
const WEB_PACKAGES = /^(hono|@hono\/.*|preact|preact-.*)$/;

/** What only the composition root touches. */
const ROOT_ONLY_GLOBALS = new Set(["env", "args", "serve"]);

const MAX_LINES = 400;
const MAX_TABLE_LINES = 600;

/** Files that are one table: a row per operator, rule or derived value. */
const TABLE_FILES = new Set(["engine/autodiff/vjp_rules.ts", "tests/support/golden_rules.ts"]);

interface Import {
  /** Project path (`engine/mod.ts`), package (`hono`) or built-in module (`node:path`). */
  readonly target: string;
  readonly isLocal: boolean;
  readonly isTypeOnly: boolean;
}

interface SourceFile {
  /** From the project's root, with `/`. */
  readonly path: string;
  readonly imports: readonly Import[];
  /** Members of `Deno` that it uses. */
  readonly denoMembers: ReadonlySet<string>;
}

Deno.test("every file imports only what the import law allows", () => {
  const violations = productFiles().flatMap(violationsOf);
  assert.deepEqual(violations, [], violations.join("\n"));
});

Deno.test("no file imports itself through others", () => {
  const files = productFiles();
  const cycle = findCycle(
    new Map(
      files.map(({ path, imports }) => [path, imports.filter(({ isLocal }) => isLocal).map(({ target }) => target)]),
    ),
  );
  assert.equal(cycle, null, cycle?.join(" → "));
});

Deno.test("no source file is longer than its budget", () => {
  const tooLong = textFiles().filter(({ path }) => /\.tsx?$/.test(path)).flatMap(({ path, text }) => {
    const budget = TABLE_FILES.has(path) ? MAX_TABLE_LINES : MAX_LINES;
    const lineCount = text.trimEnd().split("\n").length;
    return lineCount > budget ? [`${path}: ${lineCount} lines, at most ${budget} are allowed`] : [];
  });
  assert.deepEqual(tooLong, [], tooLong.join("\n"));
});

Deno.test("no file names a path of somebody's machine", () => {
  const named = textFiles().flatMap(({ path, text }) =>
    [...text.matchAll(/(?<![\w.:/~}-])\/(?:work|root|home|Users|tmp)\/[\w.-]+|\b[A-Z]:\\Users\\/g)].map(([found]) =>
      `${path}: ${found}`
    )
  );
  assert.deepEqual(named, [], named.join("\n"));
});

const LAW_CASES: readonly (readonly [path: string, source: string, expected: string | null])[] = [
  ["main.ts", 'import { createApp } from "./routes/app.ts";', null],
  ["main.ts", 'import { readConfig } from "./engine/config.ts"; Deno.serve(f);', null],
  ["main.ts", 'import { Page } from "./views/page.tsx";', "main.ts must not import views/page.tsx"],
  ["routes/app.ts", 'import { Page } from "../views/page.tsx"; import { Hono } from "hono";', null],
  [
    "routes/app.ts",
    'import type { Tensor } from "../engine/tensor/tensor.ts";',
    "routes/app.ts must not import engine/tensor/tensor.ts",
  ],
  ["routes/app.ts", "const port = Deno.env.get(name);", "routes/app.ts must not use Deno.env"],
  ["views/a.tsx", 'import type { Engine } from "../engine/mod.ts"; import { format } from "d3-format";', null],
  ["views/a.tsx", 'import { type Engine } from "../engine/mod.ts";', null],
  ["views/a.tsx", 'import { Engine } from "../engine/mod.ts";', "views/a.tsx must import engine/mod.ts as a type only"],
  ["views/a.tsx", 'import { Hono } from "hono";', "views/a.tsx must not import hono"],
  ["engine/onnx/a.ts", 'import { f } from "../tensor/b.ts"; import { NotFoundError } from "../errors.ts";', null],
  ["engine/onnx/a.ts", 'export { f } from "../model/b.ts";', "engine/onnx/a.ts must not import engine/model/b.ts"],
  ["engine/onnx/a.ts", 'const m = await import("../engine.ts");', "engine/onnx/a.ts must not import engine/engine.ts"],
  [
    "engine/onnx/a.ts",
    'import { create } from "@bufbuild/protobuf";',
    "engine/onnx/a.ts must not import @bufbuild/protobuf",
  ],
  ["engine/onnx/proto.ts", 'import { BinaryWriter } from "@bufbuild/protobuf/wire";', null],
  ["engine/jobs/a.ts", 'import OpenAI from "openai";', "engine/jobs/a.ts must not import openai"],
  ["engine/explain/a.ts", 'const m = await import("openai");', null],
  ["engine/model/a.ts", 'import ort from "onnxruntime-node";', "engine/model/a.ts must not import onnxruntime-node"],
  [
    "engine/circuit/a.ts",
    'import { render } from "preact-render-to-string";',
    "engine/circuit/a.ts must not import preact-render-to-string",
  ],
  [
    "engine/store/a.ts",
    'import { DatabaseSync } from "node:sqlite"; import type { Run } from "../circuit/b.ts";',
    null,
  ],
  [
    "engine/store/a.ts",
    'import { f } from "../circuit/b.ts";',
    "engine/store/a.ts must import engine/circuit/b.ts as a type only",
  ],
  ["engine/worker.ts", 'import { f } from "./circuit/b.ts"; import { g } from "./runtime/c.ts";', null],
  ["engine/worker.ts", 'import { f } from "../routes/b.ts";', "engine/worker.ts must not import routes/b.ts"],
  ["engine/misc/a.ts", "export const a = 1;", "engine/misc has no place in the order of engine folders"],
];

for (const [path, source, expected] of LAW_CASES) {
  Deno.test(`the import law ${expected === null ? "allows" : "refuses"} in ${path}: ${source}`, () => {
    assert.deepEqual(violationsOf(parse(path, source)), expected === null ? [] : [expected]);
  });
}

Deno.test("findCycle() names the files of a cycle in order", () => {
  assert.deepEqual(findCycle(new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b"]]])), ["b", "c", "b"]);
  assert.equal(findCycle(new Map([["a", ["b", "c"]], ["b", ["c"]], ["c", []]])), null);
});

function violationsOf({ path, imports, denoMembers }: SourceFile): string[] {
  const globals = path === "main.ts" ? [] : [...denoMembers].filter((member) => ROOT_ONLY_GLOBALS.has(member));
  const folder = engineFolder(path);
  const isUnplaced = folder !== null && !ENGINE_FOLDERS.includes(folder);
  return [
    ...(isUnplaced ? [`engine/${folder} has no place in the order of engine folders`] : []),
    ...globals.map((member) => `${path} must not use Deno.${member}`),
    ...imports.flatMap((imported) => {
      const verdict = imported.isLocal ? localVerdict(path, imported.target) : packageVerdict(path, imported.target);
      if (verdict === "refused") return [`${path} must not import ${imported.target}`];
      return verdict === "type" && !imported.isTypeOnly
        ? [`${path} must import ${imported.target} as a type only`]
        : [];
    }),
  ];
}

type Verdict = "allowed" | "type" | "refused";

function localVerdict(path: string, target: string): Verdict {
  const allowedWhere = (condition: boolean): Verdict => condition ? "allowed" : "refused";
  switch (path.split("/")[0]) {
    case "main.ts":
      return allowedWhere(
        target.startsWith("routes/") || ["engine/mod.ts", "engine/config.ts", "deno.json"].includes(target),
      );
    case "routes":
      return allowedWhere(/^(routes|views)\//.test(target) || target === "engine/mod.ts");
    case "views":
      return target === "engine/mod.ts" ? "type" : allowedWhere(target.startsWith("views/"));
    case "engine":
      return engineVerdict(path, target);
    default:
      return "refused";
  }
}

function engineVerdict(path: string, target: string): Verdict {
  if (!target.startsWith("engine/")) return "refused";
  const [from, to] = [engineFolder(path), engineFolder(target)];
  if (from === null || from === to || target === "engine/errors.ts") return "allowed";
  if (to === null || ENGINE_FOLDERS.indexOf(to) > ENGINE_FOLDERS.indexOf(from)) return "refused";
  // The store keeps what others made; it must not start to compute it.
  return from === "store" ? "type" : "allowed";
}

function packageVerdict(path: string, target: string): Verdict {
  const reservedFor = RESERVED_PACKAGES[target];
  if (reservedFor !== undefined) return reservedFor.test(path) ? "allowed" : "refused";
  if (path.startsWith("views/")) return VIEW_PACKAGES.test(target) ? "allowed" : "refused";
  return path.startsWith("engine/") && WEB_PACKAGES.test(target) ? "refused" : "allowed";
}

/** `tensor` of `engine/tensor/shape.ts`; null for files directly in `engine/` and for those elsewhere. */
function engineFolder(path: string): string | null {
  const [top, folder, file] = path.split("/");
  return top === "engine" && folder !== undefined && file !== undefined ? folder : null;
}

/** The first cycle met, its first file repeated at the end. */
function findCycle(importsOf: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const finished = new Set<string>();
  function visit(path: string, trail: readonly string[]): readonly string[] | null {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (finished.has(path)) return null;
    for (const target of importsOf.get(path) ?? []) {
      const cycle = visit(target, [...trail, path]);
      if (cycle !== null) return cycle;
    }
    finished.add(path);
    return null;
  }
  for (const path of importsOf.keys()) {
    const cycle = visit(path, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

/** Every source file that is part of the product: tests may import anything. */
function productFiles(): SourceFile[] {
  return textFiles().filter(({ path }) => path === "main.ts" || /^(engine|routes|views)\/.*\.tsx?$/.test(path))
    .map(({ path, text }) => parse(path, text));
}

/** Finds imports in the syntax tree, as the linter sees it: text in strings and comments does not count. */
function parse(path: string, text: string): SourceFile {
  const imports: Import[] = [];
  const denoMembers = new Set<string>();
  const add = (source: Deno.lint.Node | null, isTypeOnly: boolean) => {
    if (source?.type === "Literal" && typeof source.value === "string") {
      imports.push(importOf(path, source.value, isTypeOnly));
    }
  };
  const visitor: Deno.lint.LintVisitor = {
    ImportDeclaration({ source, importKind, specifiers }) {
      const areTypes = specifiers.length > 0 &&
        specifiers.every((specifier) => specifier.type === "ImportSpecifier" && specifier.importKind === "type");
      add(source, importKind === "type" || areTypes);
    },
    ExportNamedDeclaration: ({ source, exportKind }) => add(source, exportKind === "type"),
    ExportAllDeclaration: ({ source, exportKind }) => add(source, exportKind === "type"),
    ImportExpression: ({ source }) => add(source, false),
    MemberExpression({ object, property }) {
      if (object.type === "Identifier" && object.name === "Deno" && property.type === "Identifier") {
        denoMembers.add(property.name);
      }
    },
  };
  Deno.lint.runPlugin({ name: "imports", rules: { collect: { create: () => visitor } } }, path, text);
  return { path, imports, denoMembers };
}

function importOf(path: string, specifier: string, isTypeOnly: boolean): Import {
  if (specifier.startsWith(".")) return { target: join(dirname(path), specifier), isLocal: true, isTypeOnly };
  const [scopeOrName = "", name = ""] = specifier.split("/");
  return { target: specifier.startsWith("@") ? `${scopeOrName}/${name}` : scopeOrName, isLocal: false, isTypeOnly };
}

const SKIPPED_FOLDERS = new Set(["node_modules", ".git", ".out", "data", "coverage"]);
const TEXT_FILE = /(\.(tsx?|js|css|html|svg|md|json|jsonc|txt|sh|yml)|\/run|Dockerfile)$/;

/** Every text file of the project, by path. */
function textFiles(): { path: string; text: string }[] {
  const files: { path: string; text: string }[] = [];
  function walk(folder: string): void {
    for (const { name, isDirectory } of Deno.readDirSync(folder)) {
      const path = join(folder, name);
      if (isDirectory && !SKIPPED_FOLDERS.has(name)) walk(path);
      if (!isDirectory && TEXT_FILE.test(path)) {
        files.push({ path: relative(ROOT, path), text: Deno.readTextFileSync(path) });
      }
    }
  }
  walk(ROOT);
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}
