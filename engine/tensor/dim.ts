/**
 * Dimensions of symbolic shapes. A dim is a count, or a polynomial in named symbols with natural coefficients, written in a
 * canonical form: `token`, `batch*token`, `2*k+batch*k`. Equal dims are equal strings, so they compare with `===`.
 */

/** A count, or a canonical polynomial such as `batch*token`. */
export type Dim = number | string;

/** From a product of symbols (`""` for the constant term) to its coefficient. */
type Terms = Map<string, number>;

/** The sum of two dims. */
export function addDims(a: Dim, b: Dim): Dim {
  const terms = new Map(termsOf(a));
  for (const [symbols, coefficient] of termsOf(b)) terms.set(symbols, (terms.get(symbols) ?? 0) + coefficient);
  return fromTerms(terms);
}

/** Products found so far: building a graph asks for the same few very often. */
const products = new Map<string, Dim>();

/** The product of two dims. */
export function multiplyDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a * b;
  if (a === 1) return b;
  if (b === 1) return a;
  const key = `${a} ${b}`;
  const product = products.get(key) ?? productOf(a, b);
  products.set(key, product);
  return product;
}

function productOf(a: Dim, b: Dim): Dim {
  const terms: Terms = new Map();
  for (const [symbolsA, coefficientA] of termsOf(a)) {
    for (const [symbolsB, coefficientB] of termsOf(b)) {
      const symbols = [...symbolsA.split("*"), ...symbolsB.split("*")].filter((symbol) => symbol !== "").sort().join(
        "*",
      );
      terms.set(symbols, (terms.get(symbols) ?? 0) + coefficientA * coefficientB);
    }
  }
  return fromTerms(terms);
}

/**
 * A dim divided by a count.
 *
 * @throws {RangeError} if it does not divide every term.
 */
export function divideDim(dim: Dim, count: number): Dim {
  const terms = new Map([...termsOf(dim)].map(([symbols, coefficient]) => [symbols, coefficient / count]));
  if (![...terms.values()].every(Number.isInteger)) throw new RangeError(`Cannot divide dim ${dim} by ${count}`);
  return fromTerms(terms);
}

/** The symbols that a dim is made of, each once, sorted. */
export function symbolsOf(dim: Dim): readonly string[] {
  if (typeof dim === "number") return [];
  const symbols = [...termsOf(dim).keys()].flatMap((product) => product.split("*")).filter((symbol) => symbol !== "");
  return [...new Set(symbols)].sort();
}

/**
 * The count that a dim stands for.
 *
 * @throws {RangeError} if a symbol of the dim has no value.
 */
export function evaluateDim(dim: Dim, values: ReadonlyMap<string, number>): number {
  if (typeof dim === "number") return dim;
  let total = 0;
  for (const [product, coefficient] of termsOf(dim)) {
    let count = coefficient;
    for (const symbol of product.split("*").filter((name) => name !== "")) {
      const value = values.get(symbol);
      if (value === undefined) throw new RangeError(`Cannot evaluate dim ${dim}: "${symbol}" has no value`);
      count *= value;
    }
    total += count;
  }
  return total;
}

/** A dim as the products it sums: each a coefficient and its symbols. */
export function productsOf(dim: Dim): readonly { readonly coefficient: number; readonly symbols: readonly string[] }[] {
  return [...termsOf(dim)].map(([product, coefficient]) => ({
    coefficient,
    symbols: product.split("*").filter((symbol) => symbol !== ""),
  }));
}

function termsOf(dim: Dim): Terms {
  if (typeof dim === "number") return new Map([["", dim]]);
  return new Map(
    dim.split("+").map((term): [string, number] => {
      const factors = term.split("*");
      const coefficient = Number(factors[0]);
      if (Number.isInteger(coefficient)) return [factors.slice(1).join("*"), coefficient];
      return [term, 1];
    }),
  );
}

function fromTerms(terms: Terms): Dim {
  const kept = [...terms].filter(([, coefficient]) => coefficient !== 0).sort(([a], [b]) => a < b ? -1 : 1);
  if (kept.length === 0) return 0;
  const [first] = kept;
  if (kept.length === 1 && first !== undefined && first[0] === "") return first[1];
  return kept.map(([symbols, coefficient]) => {
    if (symbols === "") return String(coefficient);
    return coefficient === 1 ? symbols : `${coefficient}*${symbols}`;
  }).join("+");
}
