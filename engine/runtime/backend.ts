/** What executes graphs. The engine knows this interface; ONNX Runtime is one implementation (`ort_backend.ts`). */
import type { Tensor } from "../tensor/tensor.ts";

/** Where graphs are executed. */
export const DEVICES = ["cpu", "cuda"] as const;
export type Device = typeof DEVICES[number];

export interface SessionOptions {
  /**
   * Lay weights out anew for speed: about a third faster on short prompts, for the weights' size in memory and half a
   * second. Only for a graph that will serve many requests.
   */
  readonly prepack?: boolean;
}

/** A graph ready to execute. Whoever creates a session disposes it. */
export interface Session extends AsyncDisposable {
  /**
   * Executes the graph. Blocks the calling thread on the CPU.
   *
   * @param feeds Every graph input by name; further entries are ignored.
   * @returns Every graph output by name.
   */
  execute(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
}

export interface Backend {
  readonly device: Device;
  /** @param model Bytes of a ModelProto (`onnx/proto.ts`). Its weights are read in place from their files, never copied. */
  prepare(model: Uint8Array, options?: SessionOptions): Promise<Session>;
}
