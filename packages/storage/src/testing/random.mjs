/** Makes a source of numbers from 0 up to 1 that look random, and are the same for the same seeds. */
export function randomFrom(...seeds) {
  let state = 0;
  for (const seed of seeds) state = mix((state + seed + 0x9e37_79b9) | 0);
  return () => {
    state = (state + 0x9e37_79b9) | 0;
    return (mix(state) >>> 0) / 2 ** 32;
  };
}

/** Spreads each bit of a number over all of them. */
function mix(number) {
  let mixed = Math.imul(number ^ (number >>> 16), 0x45d9_f3b5);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b_3c6d);
  return mixed ^ (mixed >>> 16);
}
