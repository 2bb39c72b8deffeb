/** Executes a few values as a graph of their own, on the test's thread. */
import { lowerGraph } from "../../engine/onnx/lower.ts";
import { encodeModel } from "../../engine/onnx/proto.ts";
import type { Value } from "../../engine/onnx/value.ts";
import type { Session } from "../../engine/runtime/backend.ts";
import { createOrtBackend } from "../../engine/runtime/ort_backend.ts";
import type { Tensor } from "../../engine/tensor/tensor.ts";

const sessions = new Map<string, Promise<Session>>();

/** All outputs by name. Sessions are kept by their bytes: finite differences execute one graph very often. */
export async function executeGraph(
  outputs: Readonly<Record<string, Value>>,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Readonly<Record<string, Tensor>>> {
  const bytes = encodeModel(lowerGraph({ outputs }));
  const key = bytes.toBase64();
  const session = sessions.get(key) ?? prepare(bytes);
  sessions.set(key, session);
  return await (await session).execute(feeds);
}

async function prepare(bytes: Uint8Array): Promise<Session> {
  const backend = await createOrtBackend({ device: "cpu", threads: 1 }, bytes);
  return await backend.prepare(bytes);
}
