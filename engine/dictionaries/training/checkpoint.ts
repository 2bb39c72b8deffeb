/**
 * A training's state in a file, with how far it is: one safetensors file, written beside the one before and renamed over it, so that whenever the
 * process dies there is one state with its own progress.
 */
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { FileFormatError } from "../../errors.ts";
import { OpenFile } from "../byte_source.ts";
import { readSafetensorsHeader, writeSafetensors } from "../../tensor/safetensors.ts";
import { formatShape } from "../../tensor/shape.ts";
import type { TrainingCurve } from "./training_curve.ts";
import type { TrainingSpec } from "./training_spec.ts";
import { type StateName, stateShapes, tensorOf, type TrainingState } from "./training_state.ts";

export interface Checkpoint {
  readonly state: TrainingState;
  readonly curve: TrainingCurve;
}

const numbers = z.looseObject({});
const curveSchema = z.object({
  points: z.array(numbers),
  measurements: z.array(numbers),
  pending: numbers,
});

/** @param key Says which training it is of */
export async function writeCheckpoint(
  path: string,
  { spec, key }: { readonly spec: TrainingSpec; readonly key: string },
  { state, curve }: Checkpoint,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const tensors = [...stateShapes(spec)].map(([name, shape]) => ({ name, shape, data: tensorOf(state, name) }));
  await writeSafetensors(`${path}.partial`, tensors, { key, step: String(state.step), curve: JSON.stringify(curve) });
  await rename(`${path}.partial`, path);
}

/** The last state of a training; null if there is none of this key. @throws {FileFormatError} if it is damaged */
export async function readCheckpoint(
  path: string,
  { spec, key }: { readonly spec: TrainingSpec; readonly key: string },
): Promise<Checkpoint | null> {
  const name = `the state of training ${spec.name}`;
  const header = await readHeader(path, name);
  if (header === null || header.metadata["key"] !== key) return null;
  await using file = await OpenFile.open(path, name);
  const tensors = new Map<StateName, Float32Array<ArrayBuffer>>();
  for (const [tensor, shape] of stateShapes(spec)) {
    const entry = header.tensors.get(tensor);
    if (entry === undefined || entry.type !== "float32" || formatShape(entry.shape) !== formatShape(shape)) {
      throw new FileFormatError(`Cannot read ${name}: expected a tensor "${tensor}" of shape ${formatShape(shape)}`);
    }
    tensors.set(tensor, new Float32Array((await file.read(entry.offset, entry.length)).buffer));
  }
  const step = Number(header.metadata["step"]);
  if (!Number.isInteger(step) || step < 0 || step > spec.steps) {
    throw new FileFormatError(`Cannot read ${name}: expected a step of 0..${spec.steps}`);
  }
  return { state: { step, tensors }, curve: parseCurve(header.metadata, name) };
}

/** How a training went up to its last state, without reading that; null if there is none of this key. */
export async function readCheckpointCurve(
  path: string,
  { spec, key }: { readonly spec: Pick<TrainingSpec, "name">; readonly key: string },
): Promise<TrainingCurve | null> {
  const name = `the state of training ${spec.name}`;
  const header = await readHeader(path, name);
  return header === null || header.metadata["key"] !== key ? null : parseCurve(header.metadata, name);
}

/** Drops a training's state. */
export async function removeCheckpoint(path: string): Promise<void> {
  await rm(dirname(path), { recursive: true, force: true });
}

function readHeader(path: string, name: string) {
  return readSafetensorsHeader(path, name).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  });
}

/** We wrote it ourselves; this only catches what a broken disk made of it. */
function parseCurve({ curve = "" }: Readonly<Record<string, string>>, name: string): TrainingCurve {
  try {
    return curveSchema.parse(JSON.parse(curve)) as unknown as TrainingCurve;
  } catch (cause) {
    throw new FileFormatError(`Cannot read ${name}: its curve is damaged`, { cause });
  }
}
