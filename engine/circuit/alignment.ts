/**
 * How two prompts stand beside each other. Both are laid out in common slots, so that a slot is the same place on every side: prompts of
 * one length share every slot; otherwise their common beginning and end do, and what is between has slots of its own.
 */

/** By slot: the token's index in each prompt, null where a prompt has none there. */
export type Alignment = readonly (readonly (number | null)[])[];

/** @param prompts Token ids of one or two prompts. */
export function alignPrompts(prompts: readonly (readonly number[])[]): Alignment {
  const [left = [], right] = prompts;
  if (right === undefined) return left.map((_, index) => [index]);
  if (left.length === right.length) return left.map((_, index) => [index, index]);
  const shorter = Math.min(left.length, right.length);
  let prefix = 0;
  while (prefix < shorter && left[prefix] === right[prefix]) prefix++;
  let suffix = 0;
  while (suffix < shorter - prefix && left.at(-1 - suffix) === right.at(-1 - suffix)) suffix++;
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  return [
    ...range(0, prefix).map((index) => [index, index]),
    ...range(prefix, left.length - suffix).map((index) => [index, null]),
    ...range(prefix, right.length - suffix).map((index) => [null, index]),
    ...range(0, suffix).map((index) => [left.length - suffix + index, right.length - suffix + index]),
  ];
}

/** The slot of a prompt's token. @throws {RangeError} if the prompt has no such token. */
export function slotOf(alignment: Alignment, prompt: number, token: number): number {
  const slot = alignment.findIndex((tokens) => tokens[prompt] === token);
  if (slot < 0) throw new RangeError(`Internal: prompt ${prompt} has no token ${token}`);
  return slot;
}
