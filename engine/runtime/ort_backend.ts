/**
 * ONNX Runtime as a backend. Only this file knows it. `run` blocks the thread it is called on (onnxruntime-node 1.30.0), so
 * all of this lives in a Worker.
 */
import { env, InferenceSession, type OnnxValue, Tensor as OrtTensor } from "onnxruntime-node";
import { EngineUnavailableError, StartError } from "../errors.ts";
import { RANK_ERASER } from "../onnx/lower.ts";
import type { ElementType, TensorData } from "../tensor/dtype.ts";
import { FILE_ROOT } from "../tensor/file_root.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Backend, Device, Session, SessionOptions } from "./backend.ts";

// What goes wrong is thrown as well; printed, it would stand beside the one clear line that we owe.
env.logLevel = "fatal";

export interface OrtBackendOptions {
  readonly device: Device;
  /** Threads inside one operator; ONNX Runtime's own choice (one a physical core) by default. */
  readonly threads?: number;
}

/**
 * Makes the backend, and for `cuda` proves that it works by executing a graph of one operator.
 *
 * @param probe Bytes of that graph, without inputs.
 * @throws {StartError} if the device is not available here.
 */
export async function createOrtBackend({ device, threads }: OrtBackendOptions, probe: Uint8Array): Promise<Backend> {
  const backend: Backend = {
    device,
    prepare: async (model, options) => new OrtSession(await createSession(model, { ...options, device, threads })),
  };
  if (device === "cuda") {
    try {
      await using session = await backend.prepare(probe);
      await session.execute({});
    } catch (cause) {
      throw new StartError(
        'Cannot use device cuda: ONNX Runtime has no working CUDA provider here; see "GPU" in the README, or start with --device cpu',
        { cause },
      );
    }
  }
  return backend;
}

interface CreateOptions extends SessionOptions {
  readonly device: Device;
  readonly threads: number | undefined;
}

function createSession(model: Uint8Array, options: CreateOptions): Promise<InferenceSession> {
  return InferenceSession.create(model, {
    executionProviders: [options.device],
    // `simplify.ts` has done what helps our graphs; ONNX Runtime's search would cost more than it gains, and would fold the
    // float32 copy of every 16-bit weight into memory.
    graphOptimizationLevel: "disabled",
    ...options.threads === undefined ? {} : { intraOpNumThreads: options.threads },
    // A pattern is kept for every set of input shapes ever seen: memory that grows with the variety of prompts.
    enableMemPattern: false,
    extra: {
      session: {
        disable_prepacking: options.prepack === true ? "0" : "1",
        model_external_initializers_file_folder_path: FILE_ROOT,
      },
    },
  });
}

class OrtSession implements Session {
  readonly #session: InferenceSession;

  constructor(session: InferenceSession) {
    this.#session = session;
  }

  async execute(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>> {
    const ortFeeds: Record<string, OnnxValue> = {};
    for (const name of this.#session.inputNames) {
      const feed = name === RANK_ERASER.name ? RANK_ERASER.feed : feeds[name];
      if (feed === undefined) throw new TypeError(`Cannot execute graph: input "${name}" is not fed`);
      ortFeeds[name] = toOrt(feed);
    }
    const fetches = await this.#session.run(ortFeeds).catch((cause: unknown) => {
      throw isOutOfMemory(cause)
        ? new EngineUnavailableError("Out of memory: ask with a shorter prompt or for fewer tensors", { cause })
        : cause;
    });
    return Object.fromEntries(Object.entries(fetches).map(([name, value]) => [name, fromOrt(name, value)]));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#session.release();
  }
}

/** ONNX Runtime for JavaScript names types after its arrays. */
const ORT_TYPES: Readonly<Partial<Record<ElementType, OrtTensor.Type>>> = {
  float32: "float32",
  float64: "float64",
  int64: "int64",
  int32: "int32",
  bool: "bool",
};

function toOrt({ type, shape, data }: Tensor): OrtTensor {
  const ortType = ORT_TYPES[type];
  if (ortType === undefined) {
    throw new TypeError(`Cannot feed a ${type} tensor: it does not cross ONNX Runtime's border`);
  }
  return new OrtTensor(ortType, data as OrtTensor.DataTypeMap[typeof ortType], shape);
}

function fromOrt(name: string, value: OnnxValue): Tensor {
  const entry = Object.entries(ORT_TYPES).find(([, ortType]) => ortType === value.type);
  if (entry === undefined) throw new TypeError(`Cannot read output "${name}": type ${value.type} is not supported`);
  return { type: entry[0] as ElementType, shape: value.dims, data: value.data as TensorData };
}

function isOutOfMemory(cause: unknown): boolean {
  return cause instanceof Error && /bad_alloc|failed to allocate|out of memory/i.test(cause.message);
}
