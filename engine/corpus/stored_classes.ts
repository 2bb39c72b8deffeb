/**
 * Objects of the published files are Python dataclasses (OpenAI's Transformer Debugger, `fast_dataclasses.py`). Newer files name the class of
 * each object; in older ones its fields tell it. Fields that have been renamed since are read under either name.
 */
import { FileFormatError } from "../errors.ts";

/** Where in a file something is, to be named when it is refused. */
export interface Place {
  /** As the reader knows it: never a path of this machine. */
  readonly file: string;
  /** As in `random_sample.3.tokens`; empty for the file as a whole. */
  readonly path: string;
}

/** Part of a place. */
export function inside({ file, path }: Place, field: string | number): Place {
  return { file, path: path === "" ? String(field) : `${path}.${field}` };
}

/** Refuses what is at a place. @param problem What is wrong there and what would be right */
export function refuse({ file, path }: Place, problem: string): never {
  throw new FileFormatError(`Cannot read ${file}: ${path === "" ? "" : `${path}: `}${problem}`);
}

interface StoredClass {
  readonly fields: readonly string[];
  /** Today's names of fields by their old ones. */
  readonly renamed: Readonly<Record<string, string>>;
}

const STORED_CLASSES = {
  NeuronRecord: {
    fields: [
      "neuron_id",
      "random_sample",
      "random_sample_by_quantile",
      "quantile_boundaries",
      "mean",
      "variance",
      "skewness",
      "kurtosis",
      "most_positive_activation_records",
    ],
    renamed: {},
  },
  NeuronId: {
    fields: ["layer_index", "neuron_index"],
    renamed: { layer: "layer_index", idx: "neuron_index" },
  },
  ActivationRecord: { fields: ["tokens", "activations"], renamed: {} },
} as const satisfies Readonly<Record<string, StoredClass>>;

export type StoredClassName = keyof typeof STORED_CLASSES;

/** A class's fields under today's names; unchecked, and absent where the file leaves them out. */
export type StoredFields<Name extends StoredClassName> = Readonly<
  Partial<Record<typeof STORED_CLASSES[Name]["fields"][number], unknown>>
>;

/**
 * The fields of an object of a class.
 *
 * @throws {FileFormatError} if it is no object, names another class, or names none and has a field that the class never had
 */
export function readStored<Name extends StoredClassName>(
  value: unknown,
  name: Name,
  place: Place,
): StoredFields<Name> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse(place, `expected an object of class ${name}`);
  }
  const { fields, renamed }: StoredClass = STORED_CLASSES[name];
  const { dataclass_name: storedName, ...entries }: Readonly<Record<string, unknown>> = { ...value };
  if (storedName !== undefined && storedName !== name) {
    const shown = typeof storedName === "string" ? `"${storedName.slice(0, 100)}"` : "no text";
    return refuse(place, `its dataclass_name is ${shown}, expected "${name}"`);
  }
  const found: [string, unknown][] = [];
  for (const [storedField, content] of Object.entries(entries)) {
    const field = Object.hasOwn(renamed, storedField) ? renamed[storedField] ?? storedField : storedField;
    if (fields.includes(field)) found.push([field, content]);
    // An object that names its class may have fields that have been deleted since.
    else if (storedName === undefined) {
      return refuse(
        place,
        `it has a field "${storedField.slice(0, 100)}" and names no class, expected ${fields.join(", ")}`,
      );
    }
  }
  // The names are those of the class: `fields` has been asked.
  return Object.fromEntries(found) as StoredFields<Name>;
}
