/** A graph as it is written: named, flat, in executable order. Made by `lower.ts`, read by `proto.ts` and by people. */
import type { ElementType, TensorData } from "../tensor/dtype.ts";
import { type ConcreteShape, formatShape, type Shape } from "../tensor/shape.ts";
import type { FileRegion } from "./value.ts";

/** ONNX Runtime's own operators; their set has one version, 1. */
export const CONTRIB_DOMAIN = "com.microsoft";

/** An attribute: an integer, a list of them, a text, or a float. */
export type OpAttr = number | readonly number[] | string | { readonly float: number };

/** A call to an ONNX operator, by value names. */
export interface OnnxCall {
  readonly opType: string;
  /** The set of operators it belongs to; empty for ONNX's own. */
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attrs: Readonly<Record<string, OpAttr>>;
}

export interface NamedType {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
}

/** Bytes in a file, or in the graph itself. */
export type Initializer =
  & {
    readonly name: string;
    readonly type: ElementType;
    readonly shape: ConcreteShape;
  }
  & ({ readonly region: FileRegion; readonly data?: undefined } | {
    readonly region?: undefined;
    readonly data: TensorData;
  });

export interface OnnxGraph {
  readonly inputs: readonly NamedType[];
  readonly outputs: readonly NamedType[];
  readonly initializers: readonly Initializer[];
  readonly calls: readonly OnnxCall[];
  /** Type and shape of every value made by a call, as inferred when it was built. */
  readonly inferred: ReadonlyMap<string, NamedType>;
}

/** A graph for people and for snapshots: one line a value, weights by name, long constants by their size. */
export function printGraph({ inputs, outputs, initializers, calls, inferred }: OnnxGraph): string {
  const typed = ({ name, type, shape }: NamedType) => `%${name}: ${type}${formatShape(shape)}`;
  return [
    ...inputs.map((input) => `input ${typed(input)}`),
    ...initializers.map((initializer) => `${typed(initializer)} = ${printInitializer(initializer)}`),
    ...calls.map((call) => {
      const made = call.outputs.map((name) => typed(inferred.get(name) ?? { name, type: "int64", shape: [] }));
      const attrs = Object.entries(call.attrs).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`).join("");
      return `${made.join(", ")} = ${call.opType}(${call.inputs.map((name) => `%${name}`).join(", ")})${attrs}`;
    }),
    ...outputs.map((output) => `output ${typed(output)}`),
  ].join("\n") + "\n";
}

function printInitializer({ region, data }: Initializer): string {
  if (region !== undefined) return `weight ${region.file} ${region.offset}+${region.length}`;
  return data.length > 8 ? `constant of ${data.length} elements` : `constant [${[...data].join(", ")}]`;
}
