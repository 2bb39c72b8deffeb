/** Checks an opened dictionary against what its format's own code computes. */
import assert from "node:assert/strict";
import { findDictionaries } from "../../engine/dictionaries/find_dictionaries.ts";
import { openDictionary } from "../../engine/dictionaries/open_dictionary.ts";
import { FileFormatError } from "../../engine/errors.ts";
import type { Dictionary } from "../../engine/model/dictionary.ts";
import { assertClose } from "./assert_close.ts";
import { type FolderFiles, withFolder } from "./dictionary_files.ts";
import { randomNumbers } from "./random_numbers.ts";
import { readReferenceDictionary, referenceDecode, referenceEncode } from "./reference_dictionary.ts";

/** What a format's own code gives for one token. */
export interface FormatResult {
  readonly latents: Float64Array;
  readonly reconstruction: Float64Array;
}

/** The one dictionary of a folder with these files. */
export async function withDictionary<T>(
  files: FolderFiles,
  use: (dictionary: Dictionary) => Promise<T> | T,
): Promise<T> {
  return await withFolder(files, async (folder) => {
    const [location, ...others] = await findDictionaries(folder);
    assert.ok(location, "a dictionary is found");
    assert.deepEqual(others, []);
    return await use(await openDictionary(location, null));
  });
}

/** Asserts that a dictionary computes, on a few random tokens, what its format's own code does. */
export async function assertComputes(
  dictionary: Dictionary,
  formatCode: (x: Float64Array) => FormatResult,
): Promise<void> {
  const reference = await readReferenceDictionary(dictionary);
  let activeCount = 0;
  for (let token = 0; token < 5; token++) {
    const x = Float64Array.from(randomNumbers(dictionary.detail.inputWidth, 77 + token), (value) => 3 * value + 0.5);
    const expected = formatCode(x);
    const { latents } = referenceEncode(reference, x);
    const reconstruction = referenceDecode(reference, latents, x);
    assertClose(latents, expected.latents, { label: "latents", absolute: 1e-12 });
    assertClose(reconstruction, expected.reconstruction, { label: "reconstruction", absolute: 1e-12 });
    activeCount += latents.filter((value) => value !== 0).length;
  }
  assert.ok(activeCount > 0, "some latents are active, else nothing was compared");
}

/** Asserts that the dictionary of a folder is refused, and what is said. */
export async function assertRefused(files: FolderFiles, message: RegExp): Promise<void> {
  await assert.rejects(
    withDictionary(files, () => {}),
    (error: unknown) => {
      assert.ok(error instanceof FileFormatError, String(error));
      assert.match(error.message, message);
      assert.match(error.message, /^Cannot read /);
      return true;
    },
  );
}
