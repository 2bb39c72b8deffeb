/** Reads the numbers of a weight from its file, without any code of the engine's that reads tensors. */
import { join } from "node:path";
import type { StoredMatrix } from "../../engine/model/dictionary.ts";
import type { Value } from "../../engine/onnx/value.ts";
import { FILE_ROOT } from "../../engine/tensor/file_root.ts";
import { decode, type FixtureDtype } from "./safetensors_fixture.ts";

const DTYPES: Readonly<Record<string, FixtureDtype>> = {
  float64: "F64",
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
};

/** A weight's numbers in the order of the file; a cast of one is looked through. */
export async function readValue(value: Value): Promise<Float64Array> {
  const { origin } = value;
  if (origin.kind === "output" && origin.call.op === "Cast") {
    const [input] = origin.call.inputs;
    if (input !== undefined) return await readValue(input);
  }
  const dtype = DTYPES[value.type];
  if (origin.kind !== "weight" || dtype === undefined) {
    throw new RangeError(`Expected a weight of floats but found ${value.type} from ${origin.kind}`);
  }
  const { file, offset, length } = origin.region;
  const bytes = (await Deno.readFile(join(FILE_ROOT, file))).slice(offset, offset + length);
  return Float64Array.from(decode(dtype, bytes.buffer));
}

/** A matrix, row by row. */
export async function readMatrix({ value, isTransposed }: StoredMatrix): Promise<readonly Float64Array[]> {
  const [first = 0, second = 0] = value.shape.map(Number);
  const numbers = await readValue(value);
  const [rows, columns] = isTransposed ? [second, first] : [first, second];
  return Array.from(
    { length: rows },
    (_, row) =>
      Float64Array.from(
        { length: columns },
        (_, column) => numbers[isTransposed ? column * rows + row : row * columns + column] ?? NaN,
      ),
  );
}
