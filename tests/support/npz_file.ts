/** Writes NumPy's files for tests. */
import { encode } from "./safetensors_fixture.ts";
import { u16, u32, zipFile } from "./zip_file.ts";

export interface NpyOptions {
  readonly data: Uint8Array;
  readonly descr?: string;
  readonly shape?: readonly number[];
  readonly isFortran?: boolean;
  readonly version?: number;
  /** Instead of the one that the others make. */
  readonly header?: string;
}

/** The bytes of a `.npy` file. */
export function npy(
  { data, descr = "<f4", shape = [], isFortran = false, version = 1, header }: NpyOptions,
): Uint8Array<ArrayBuffer> {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = header ??
    `{'descr': '${descr}', 'fortran_order': ${isFortran ? "True" : "False"}, 'shape': (${sizes}), }`;
  const prefixBytes = version === 1 ? 10 : 12;
  const padded = text.padEnd(Math.ceil((prefixBytes + text.length + 1) / 64) * 64 - prefixBytes - 1) + "\n";
  const length = version === 1 ? u16(padded.length) : u32(padded.length);
  return Uint8Array.of(
    0x93,
    ...new TextEncoder().encode("NUMPY"),
    version,
    0,
    ...length,
    ...new TextEncoder().encode(padded),
    ...data,
  );
}

/** The bytes of an `.npz` file of float32 arrays. */
export function npzFile(
  tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>>,
): Uint8Array<ArrayBuffer> {
  return zipFile(
    Object.entries(tensors).map(([name, { shape, data }]) => ({
      name: `${name}.npy`,
      bytes: npy({ shape, data: encode("F32", data) }),
    })),
  );
}
