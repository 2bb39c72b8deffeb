/**
 * The protobuf edge: writes an `OnnxGraph` as the bytes of a ModelProto. Field numbers are those of onnx.proto (IR version 10,
 * opset 21, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). Only what our graphs contain is written.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { ElementType } from "../tensor/dtype.ts";
import {
  CONTRIB_DOMAIN,
  type Initializer,
  type NamedType,
  type OnnxCall,
  type OnnxGraph,
  type OpAttr,
} from "./onnx_graph.ts";

const IR_VERSION = 10;
/** Version of the standard operators that our graphs use. */
const OPSET = 21;

const DATA_TYPES: Readonly<Record<ElementType, number>> = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
};

/** Writes one message into the writer. */
type WriteMessage = (writer: BinaryWriter) => void;

/** The bytes that ONNX Runtime loads. They depend on nothing but the graph. */
export function encodeModel(onnxGraph: OnnxGraph): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  int(writer, 1, IR_VERSION);
  text(writer, 2, "transformer-debugger");
  message(writer, 7, (inner) => writeGraph(inner, onnxGraph));
  message(writer, 8, (inner) => {
    text(inner, 1, "");
    int(inner, 2, OPSET);
  });
  message(writer, 8, (inner) => {
    text(inner, 1, CONTRIB_DOMAIN);
    int(inner, 2, 1);
  });
  return new Uint8Array(writer.finish());
}

function writeGraph(writer: BinaryWriter, { calls, initializers, inputs, outputs }: OnnxGraph): void {
  for (const call of calls) message(writer, 1, (inner) => writeCall(inner, call));
  text(writer, 2, "question");
  for (const initializer of initializers) message(writer, 5, (inner) => writeInitializer(inner, initializer));
  for (const input of inputs) message(writer, 11, (inner) => writeValueInfo(inner, input));
  for (const output of outputs) message(writer, 12, (inner) => writeValueInfo(inner, output));
}

function writeCall(writer: BinaryWriter, { opType, domain = "", inputs, outputs, attrs }: OnnxCall): void {
  for (const name of inputs) text(writer, 1, name);
  for (const name of outputs) text(writer, 2, name);
  text(writer, 3, outputs[0] ?? opType);
  text(writer, 4, opType);
  for (const [name, value] of Object.entries(attrs)) message(writer, 5, (inner) => writeOpAttr(inner, name, value));
  if (domain !== "") text(writer, 7, domain);
}

function writeOpAttr(writer: BinaryWriter, name: string, value: OpAttr): void {
  text(writer, 1, name);
  if (typeof value === "number") {
    int(writer, 3, value);
    int(writer, 20, 2);
  } else if (typeof value === "string") {
    writer.tag(4, WireType.LengthDelimited).bytes(new TextEncoder().encode(value));
    int(writer, 20, 3);
  } else if ("float" in value) {
    writer.tag(2, WireType.Bit32).float(value.float);
    int(writer, 20, 1);
  } else {
    for (const element of value) int(writer, 8, element);
    int(writer, 20, 7);
  }
}

function writeInitializer(writer: BinaryWriter, initializer: Initializer): void {
  for (const dim of initializer.shape) int(writer, 1, dim);
  int(writer, 2, DATA_TYPES[initializer.type]);
  text(writer, 8, initializer.name);
  if (initializer.region === undefined) {
    const { buffer, byteOffset, byteLength } = initializer.data;
    writer.tag(9, WireType.LengthDelimited).bytes(new Uint8Array(buffer, byteOffset, byteLength));
    return;
  }
  const { file, offset, length } = initializer.region;
  for (const [key, value] of [["location", file], ["offset", String(offset)], ["length", String(length)]] as const) {
    message(writer, 13, (inner) => {
      text(inner, 1, key);
      text(inner, 2, value);
    });
  }
  int(writer, 14, 1);
}

/** Without shapes, on purpose: see `RANK_ERASER` in `lower.ts`. Feeds and fetches carry their shapes anyway. */
function writeValueInfo(writer: BinaryWriter, { name, type }: NamedType): void {
  text(writer, 1, name);
  message(writer, 2, (typeProto) => message(typeProto, 1, (tensorType) => int(tensorType, 1, DATA_TYPES[type])));
}

function int(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function message(writer: BinaryWriter, field: number, write: WriteMessage): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}
