/**
 * The part of the house style that a machine can check, as a Deno lint plugin:
 *
 * - `no-exported-arrow`: an exported function is a `function`, which has a name in stack traces and is hoisted
 * - `error-message`: a thrown error's message starts with a capital, ends without a period and has no contraction
 * - `max-parameters`: an exported function has at most three parameters; further ones go into an options object
 * - `banned-word`: a bare name that means two things here: `node` outside the circuit code and the pages, `graph`, `attr`
 *
 * Where a rule and good sense disagree: `// deno-lint-ignore house-style/<rule>` with the reason.
 */

/** Largest number of parameters of an exported function. */
const MAX_PARAMETERS = 3;

/** What a bare word should be replaced by. */
const BANNED_WORDS: Readonly<Record<string, string>> = {
  node:
    "Name what it is: opCall, element, syntaxNode; a circuit node is `node` only in engine/circuit, views and routes",
  graph: "Name which one: onnxGraph, circuitGraph",
  attr: "Name which one: opAttrs, attribution, htmlAttribute",
  attribute: "Name which one: opAttrs, attribution, htmlAttribute",
};

/** Folders in which `node` is the circuit's node. */
const NODE_FOLDERS = /(^|\/)(engine\/(circuit|store)|views|routes|tests\/(engine\/(circuit|store)|views|routes|e2e))\//;

const CONTRACTION = /\b(?:\w+n't|(?:it|that|there|here|what|let)'s|\w+'(?:re|ve|ll))\b/i;

export default {
  name: "house-style",
  rules: {
    "no-exported-arrow": { create: noExportedArrow },
    "error-message": { create: errorMessage },
    "max-parameters": { create: maxParameters },
    "banned-word": { create: bannedWord },
  },
} satisfies Deno.lint.Plugin;

function noExportedArrow(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  return {
    ExportNamedDeclaration({ declaration }) {
      if (declaration?.type !== "VariableDeclaration") return;
      for (const { id, init } of declaration.declarations) {
        if (init?.type === "ArrowFunctionExpression") {
          context.report({
            node: id,
            message: "Exported function is an arrow",
            hint: "Write it as a function declaration",
          });
        }
      }
    },
  };
}

function errorMessage(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  return {
    NewExpression({ callee, arguments: [message] }) {
      if (callee.type !== "Identifier" || !callee.name.endsWith("Error") || message === undefined) return;
      const text = messageText(message);
      const problem = text === null ? null : problemOf(text.start, text.end, text.all);
      if (problem !== null) context.report({ node: message, message: `Error message ${problem}` });
    },
  };
}

/** The constant parts of a message; null where it is not written down here. */
function messageText(message: Deno.lint.Node): { start: string; end: string; all: string } | null {
  if (message.type === "Literal" && typeof message.value === "string") {
    return { start: message.value, end: message.value, all: message.value };
  }
  if (message.type === "TemplateLiteral") {
    const parts = message.quasis.map(({ cooked }) => cooked ?? "");
    return { start: parts[0] ?? "", end: parts.at(-1) ?? "", all: parts.join("…") };
  }
  if (message.type === "BinaryExpression" && message.operator === "+") {
    const [left, right] = [messageText(message.left), messageText(message.right)];
    return { start: left?.start ?? "", end: right?.end ?? "", all: `${left?.all ?? ""}…${right?.all ?? ""}` };
  }
  return null;
}

function problemOf(start: string, end: string, all: string): string | null {
  if (/^\p{Ll}/u.test(start)) return "does not start with a capital";
  if (/[^.]\.$/.test(end)) return "ends with a period";
  const contraction = CONTRACTION.exec(all);
  return contraction === null ? null : `has the contraction "${contraction[0]}"`;
}

function maxParameters(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  return {
    ExportNamedDeclaration({ declaration }) {
      if (declaration?.type !== "FunctionDeclaration" || declaration.params.length <= MAX_PARAMETERS) return;
      context.report({
        node: declaration.id ?? declaration,
        message: `Exported function has ${declaration.params.length} parameters, at most ${MAX_PARAMETERS} are allowed`,
        hint: "Gather the optional ones in an options object",
      });
    },
  };
}

function bannedWord(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const mayUseNode = NODE_FOLDERS.test(context.filename.replaceAll("\\", "/"));
  const check = (name: Pattern | null | undefined) => {
    for (const { name: word, range } of declaredNames(name)) {
      const hint = BANNED_WORDS[word];
      if (!Object.hasOwn(BANNED_WORDS, word) || hint === undefined || (word === "node" && mayUseNode)) continue;
      context.report({ range, message: `The bare name "${word}" means two things here`, hint });
    }
  };
  const checkFunction = ({ params }: { readonly params: readonly Deno.lint.Parameter[] }) => params.forEach(check);
  return {
    VariableDeclarator: ({ id }) => check(id),
    FunctionDeclaration(declaration) {
      check(declaration.id);
      checkFunction(declaration);
    },
    FunctionExpression: checkFunction,
    ArrowFunctionExpression: checkFunction,
  };
}

type Pattern = Deno.lint.Node | Deno.lint.Parameter;

/** The names that a pattern declares. A name taken unchanged out of an object is another's choice and not counted. */
function declaredNames(pattern: Pattern | null | undefined): Deno.lint.Identifier[] {
  switch (pattern?.type) {
    case "Identifier":
      return [pattern];
    case "AssignmentPattern":
      return declaredNames(pattern.left);
    case "ArrayPattern":
      return pattern.elements.flatMap(declaredNames);
    case "RestElement":
      return declaredNames(pattern.argument);
    case "ObjectPattern":
      return pattern.properties.flatMap((property) =>
        property.type === "Property" && !property.shorthand ? declaredNames(property.value) : []
      );
    default:
      return [];
  }
}
