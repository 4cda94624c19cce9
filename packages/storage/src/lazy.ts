/** Something that is made when it is first asked for. */
export class Lazy<Thing> {
  readonly #make: () => Promise<Thing>;
  #made: Promise<Thing> | undefined;

  constructor(make: () => Promise<Thing>) {
    this.#make = make;
  }

  /** Makes it, once for all who ask. A failure is forgotten, so that whoever asks next tries again. */
  get(): Promise<Thing> {
    if (this.#made !== undefined) return this.#made;
    const making = (async () => this.#make())();
    this.#made = making;
    making.catch(() => (this.#made = undefined));
    return making;
  }

  /** What `get` has made, or is making; `undefined` when nobody has asked yet, or it has failed. */
  get made(): Promise<Thing> | undefined {
    return this.#made;
  }
}
