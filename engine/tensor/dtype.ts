/** Element types, in ONNX's words, and how they are stored. */

export type ElementType = "float32" | "float64" | "float16" | "bfloat16" | "int64" | "int32" | "bool";

/** Bytes of one element. */
export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  bool: 1,
};

/** Whether values of this type can have gradients. */
export function isFloat(type: ElementType): boolean {
  return type === "float32" || type === "float64" || type === "float16" || type === "bfloat16";
}

/** The typed arrays that hold tensors on this side of ONNX Runtime's border. */
export type TensorData = Float32Array | Float64Array | Uint16Array | BigInt64Array | Int32Array | Uint8Array;

/**
 * Widens 16-bit floats to float32.
 *
 * @param type How the bits are to be read.
 * @param bits The elements as raw 16-bit words.
 */
export function widenHalf(type: "float16" | "bfloat16", bits: Uint16Array): Float32Array<ArrayBuffer> {
  if (type === "float16") return Float32Array.from(new Float16Array(bits.buffer, bits.byteOffset, bits.length));
  const wide = new Uint32Array(bits.length);
  bits.forEach((word, index) => wide[index] = word << 16);
  return new Float32Array(wide.buffer);
}
