/**
 * A reader of Python's pickles (protocols 2 to 5) that executes nothing. A pickle is a program for a stack machine which may call any
 * function of any Python module; here it can only build plain data and name what the caller's rules know, and is refused at the first other
 * name. What it takes is bounded by the bytes of the pickle: no length that it declares is believed before that many bytes are there.
 */
import { refuse } from "./byte_source.ts";

/** Something that is no plain data: made by the rules alone. */
export abstract class PickleObject {
  /** Tells it apart from plain data. */
  abstract readonly kind: string;
}

/** A name of a module, found in the rules. */
export class PickleGlobal extends PickleObject {
  readonly kind = "global";
  /** With its module: `collections.OrderedDict`. */
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

/** Lists and tuples are both arrays, dictionaries are maps, bytes are bytes. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly PickleValue[]
  | ReadonlyMap<PickleValue, PickleValue>
  | PickleObject;

/** What a pickle may name, and what becomes of it. */
export interface PickleRules {
  /** Names with their module that may stand in the pickle. */
  readonly globals: ReadonlySet<string>;
  /** What calling one of them gives; `refused` ends the reading. */
  readonly call: (name: string, args: readonly PickleValue[], refused: (reason: string) => never) => PickleValue;
  /** What a persistent id stands for. */
  readonly persistent: (id: PickleValue, refused: (reason: string) => never) => PickleValue;
}

/** Largest pickle accepted, in bytes: those of weight files hold names and shapes only. */
export const MAX_PICKLE_BYTES = 16 * 1024 * 1024;
const MAX_STACK = 100_000;
const MAX_MEMO = 100_000;
/** Longest integer accepted, in bytes; larger ones could not be counts. */
const MAX_INTEGER_BYTES = 8;

/**
 * Reads a pickle.
 *
 * @param name What errors call the file
 * @throws {FileFormatError} if it is damaged, too large, or names what the rules do not know
 */
export function readPickle(bytes: Uint8Array, name: string, rules: PickleRules): PickleValue {
  if (bytes.length > MAX_PICKLE_BYTES) {
    refuse(name, `its pickle has ${bytes.length} bytes, at most ${MAX_PICKLE_BYTES} are accepted`);
  }
  return new Machine(bytes, name, rules).run();
}

/** Stands on the stack where a tuple, list or dictionary begins. */
const MARK = Symbol("mark");
type Item = PickleValue | typeof MARK;

class Machine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #name: string;
  readonly #rules: PickleRules;
  readonly #stack: Item[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #at = 0;

  constructor(bytes: Uint8Array, name: string, rules: PickleRules) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#name = name;
    this.#rules = rules;
  }

  run(): PickleValue {
    for (;;) {
      const start = this.#at;
      const code = this.byte();
      if (code === STOP) return this.pop();
      const step = STEPS.get(code);
      if (step === undefined) {
        return this.refused(`byte ${start} of its pickle is ${hex(code)}, which no weights file needs`);
      }
      step(this);
    }
  }

  /** @throws {FileFormatError} always */
  readonly refused = (reason: string): never => refuse(this.#name, reason);

  push(item: Item): void {
    if (this.#stack.length >= MAX_STACK) this.refused(`its pickle stacks more than ${MAX_STACK} values`);
    this.#stack.push(item);
  }

  pop(): PickleValue {
    const item = this.#stack.pop();
    if (item === undefined || item === MARK) {
      return this.refused(`its pickle takes a value at byte ${this.#at} where there is none`);
    }
    return item;
  }

  /** The value on top, which stays. */
  top(): PickleValue {
    const item = this.pop();
    this.#stack.push(item);
    return item;
  }

  /** Everything above the last mark; the mark goes too. */
  popToMark(): readonly PickleValue[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) return this.refused(`its pickle needs a mark at byte ${this.#at} and has none`);
    const items = this.#stack.splice(mark).slice(1);
    return items.filter((item) => item !== MARK);
  }

  /** Discards the value on top, or the mark. */
  discard(): void {
    if (this.#stack.pop() === undefined) this.refused(`its pickle discards a value at byte ${this.#at} without one`);
  }

  remember(key: number): void {
    if (this.#memo.size >= MAX_MEMO) this.refused(`its pickle remembers more than ${MAX_MEMO} values`);
    this.#memo.set(key, this.top());
  }

  rememberNext(): void {
    this.remember(this.#memo.size);
  }

  recall(key: number): void {
    const value = this.#memo.get(key);
    if (value === undefined) this.refused(`its pickle recalls value ${key} at byte ${this.#at} before it is there`);
    else this.push(value);
  }

  global(module: PickleValue, name: PickleValue): void {
    if (typeof module !== "string" || typeof name !== "string") {
      return this.refused(`its pickle names something at byte ${this.#at} by what is no text`);
    }
    const full = `${module}.${name}`;
    if (!this.#rules.globals.has(full)) {
      this.refused(
        `its pickle names ${JSON.stringify(full.slice(0, 200))}, which no weights need; nothing was executed`,
      );
    }
    this.push(new PickleGlobal(full));
  }

  reduce(): void {
    const args = this.pop();
    const callee = this.pop();
    if (!(callee instanceof PickleGlobal) || !Array.isArray(args)) {
      return this.refused(`its pickle calls something at byte ${this.#at} that is no known name`);
    }
    this.push(this.#rules.call(callee.name, args, this.refused));
  }

  /** State of an object: that of ordered dictionaries is their metadata, which we have no use for. */
  build(): void {
    const state = this.pop();
    if (!(state instanceof Map) || !(this.top() instanceof Map)) {
      this.refused(`its pickle sets the state of something at byte ${this.#at} that has none`);
    }
  }

  persistent(): void {
    this.push(this.#rules.persistent(this.pop(), this.refused));
  }

  setItems(items: readonly PickleValue[]): void {
    const target = this.top();
    if (!(target instanceof Map) || items.length % 2 !== 0) {
      return this.refused(`its pickle sets entries at byte ${this.#at} of something that has none`);
    }
    for (let at = 0; at < items.length; at += 2) target.set(items[at], items[at + 1]);
  }

  appendItems(items: readonly PickleValue[]): void {
    const target = this.top();
    if (!isList(target)) return this.refused(`its pickle appends at byte ${this.#at} to something that is no list`);
    for (const item of items) target.push(item);
  }

  byte(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  float64(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  /** A length of eight bytes. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }

  /** A little-endian integer in two's complement. */
  integer(length: number): number {
    if (length > MAX_INTEGER_BYTES) return this.refused(`its pickle has an integer of ${length} bytes`);
    const start = this.#advance(length);
    let value = 0n;
    for (let at = length - 1; at >= 0; at--) value = (value << 8n) | BigInt(this.#view.getUint8(start + at));
    const number = Number(BigInt.asIntN(8 * length, value));
    return Number.isSafeInteger(number) ? number : this.refused(`its pickle has the integer ${number}`);
  }

  take(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.slice(start, start + length);
  }

  text(length: number): string {
    const start = this.#advance(length);
    return new TextDecoder().decode(this.#bytes.subarray(start, start + length));
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) return this.refused("its pickle ends inside a name");
    const line = this.text(end - this.#at);
    this.#at = end + 1;
    return line;
  }

  /** Where the next bytes begin. */
  #advance(length: number): number {
    const start = this.#at;
    if (start + length > this.#bytes.length) {
      this.refused(`its pickle needs ${length} bytes from byte ${start}, but ends at byte ${this.#bytes.length}`);
    }
    this.#at = start + length;
    return start;
  }
}

const STOP = 0x2e;
const MIN_PROTOCOL = 2;
const MAX_PROTOCOL = 5;

/** What each instruction does, under its name in Python's `pickletools`. Those that weights never need are not here. */
const STEPS: ReadonlyMap<number, (machine: Machine) => void> = new Map<number, (machine: Machine) => void>([
  /* PROTO */ [0x80, (machine) => {
    const protocol = machine.byte();
    if (protocol < MIN_PROTOCOL || protocol > MAX_PROTOCOL) {
      machine.refused(`its pickle has protocol ${protocol}, expected ${MIN_PROTOCOL} to ${MAX_PROTOCOL}`);
    }
  }],
  /* FRAME: how long the next part is, which is of no use here */ [0x95, (machine) => void machine.uint64()],
  /* MARK */ [0x28, (machine) => machine.push(MARK)],
  /* POP */ [0x30, (machine) => machine.discard()],
  /* POP_MARK */ [0x31, (machine) => void machine.popToMark()],
  /* NONE */ [0x4e, (machine) => machine.push(null)],
  /* NEWTRUE */ [0x88, (machine) => machine.push(true)],
  /* NEWFALSE */ [0x89, (machine) => machine.push(false)],
  /* BININT */ [0x4a, (machine) => machine.push(machine.int32())],
  /* BININT1 */ [0x4b, (machine) => machine.push(machine.byte())],
  /* BININT2 */ [0x4d, (machine) => machine.push(machine.uint16())],
  /* LONG1 */ [0x8a, (machine) => machine.push(machine.integer(machine.byte()))],
  /* BINFLOAT */ [0x47, (machine) => machine.push(machine.float64())],
  /* SHORT_BINUNICODE */ [0x8c, (machine) => machine.push(machine.text(machine.byte()))],
  /* BINUNICODE */ [0x58, (machine) => machine.push(machine.text(machine.uint32()))],
  /* BINUNICODE8 */ [0x8d, (machine) => machine.push(machine.text(machine.uint64()))],
  /* SHORT_BINBYTES */ [0x43, (machine) => machine.push(machine.take(machine.byte()))],
  /* BINBYTES */ [0x42, (machine) => machine.push(machine.take(machine.uint32()))],
  /* BINBYTES8 */ [0x8e, (machine) => machine.push(machine.take(machine.uint64()))],
  /* EMPTY_TUPLE */ [0x29, (machine) => machine.push([])],
  /* TUPLE */ [0x74, (machine) => machine.push(machine.popToMark())],
  /* TUPLE1 */ [0x85, (machine) => machine.push([machine.pop()])],
  /* TUPLE2 */ [0x86, (machine) => {
    const second = machine.pop();
    machine.push([machine.pop(), second]);
  }],
  /* TUPLE3 */ [0x87, (machine) => {
    const third = machine.pop();
    const second = machine.pop();
    machine.push([machine.pop(), second, third]);
  }],
  /* EMPTY_LIST */ [0x5d, (machine) => machine.push([])],
  /* APPEND */ [0x61, (machine) => machine.appendItems([machine.pop()])],
  /* APPENDS */ [0x65, (machine) => machine.appendItems(machine.popToMark())],
  /* EMPTY_DICT */ [0x7d, (machine) => machine.push(new Map())],
  /* SETITEM */ [0x73, (machine) => {
    const value = machine.pop();
    machine.setItems([machine.pop(), value]);
  }],
  /* SETITEMS */ [0x75, (machine) => machine.setItems(machine.popToMark())],
  /* BINPUT */ [0x71, (machine) => machine.remember(machine.byte())],
  /* LONG_BINPUT */ [0x72, (machine) => machine.remember(machine.uint32())],
  /* MEMOIZE */ [0x94, (machine) => machine.rememberNext()],
  /* BINGET */ [0x68, (machine) => machine.recall(machine.byte())],
  /* LONG_BINGET */ [0x6a, (machine) => machine.recall(machine.uint32())],
  /* GLOBAL */ [0x63, (machine) => {
    const module = machine.line();
    machine.global(module, machine.line());
  }],
  /* STACK_GLOBAL */ [0x93, (machine) => {
    const name = machine.pop();
    machine.global(machine.pop(), name);
  }],
  /* REDUCE */ [0x52, (machine) => machine.reduce()],
  /* BUILD */ [0x62, (machine) => machine.build()],
  /* BINPERSID */ [0x51, (machine) => machine.persistent()],
]);

function isList(value: PickleValue): value is PickleValue[] {
  return Array.isArray(value);
}

function hex(code: number): string {
  return `0x${code.toString(16).padStart(2, "0")}`;
}
