/** The few largest of many numbers. */

/** Places of the numbers of largest size, by falling size, then by place. What is not a number is left out. */
export function strongest(values: ArrayLike<number>, count: number): readonly number[] {
  const sizes = Float64Array.from(values, Math.abs).filter((size) => !Number.isNaN(size)).sort();
  if (count < 1 || sizes.length === 0) return [];
  const least = sizes.at(-Math.min(count, sizes.length)) ?? 0;
  const places: number[] = [];
  for (let place = 0; place < values.length; place++) {
    if (Math.abs(values[place] ?? NaN) >= least) places.push(place);
  }
  const sizeAt = (place: number) => Math.abs(values[place] ?? 0);
  return places.sort((a, b) => sizeAt(b) - sizeAt(a) || a - b).slice(0, count);
}
