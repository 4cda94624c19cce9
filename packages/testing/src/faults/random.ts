/** Makes a source of numbers, from 0 up to 1, that look random and are the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = mix(seed + STEP);
  return () => {
    state = (state + STEP) | 0;
    return (mix(state) >>> 0) / 2 ** 32;
  };
}

const STEP = 0x9e37_79b9;

/** Spreads each bit of a number over all of them. */
function mix(number: number): number {
  let mixed = Math.imul(number ^ (number >>> 16), 0x45d9_f3b5);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b_3c6d);
  return mixed ^ (mixed >>> 16);
}
