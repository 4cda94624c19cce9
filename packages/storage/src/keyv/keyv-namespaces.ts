/*
 * Whose entries a call of a store is about, and which contract it follows. The rules:
 *
 * 1. A Keyv 6 that is given a store reads its `capabilities`, then listens to its errors, then sets its `namespace`, if
 *    the Keyv has one. A Keyv 5 listens to its errors, sets its `namespace`, then reads its `opts`. Nobody else does these
 *    things in this order, so they tell that there is one more Keyv, and its version.
 * 2. A Keyv 5 puts its namespace and a `:` before each key; a Keyv 6 says nothing with a call.
 * 3. So a Keyv 6 of another namespace is refused: nobody could tell its calls from those of the first. Keyv 5 is told
 *    by its keys, and refused what has none.
 */

/** A Keyv, or what may be one, by what is known of it; its namespace changes when the Keyv changes it. */
interface Owner {
  namespace: string | undefined;
}

/** The Keyvs that were given one store. */
export class KeyvNamespaces {
  #version: 5 | 6 = 6;
  #keyvs = 0;
  #last: Owner = { namespace: undefined };
  /** More than one only under Keyv 5. */
  #owners = new Set<Owner>([this.#last]);
  #lastStep: "capabilities" | "errors" | "namespace" | undefined;

  /** Which Keyv the store has; 6, whose contract is the newer one, as long as it has none. */
  get version(): 5 | 6 {
    return this.#version;
  }

  /** The namespace that was set last. */
  get current(): string | undefined {
    return this.#last.namespace;
  }

  get areSeveral(): boolean {
    return new Set([...this.#owners].map(({ namespace }) => namespace)).size > 1;
  }

  set(namespace: string | undefined): void {
    const mayBeNew = this.#lastStep === "errors" && this.#keyvs > 0 && this.#version === 5;
    if (mayBeNew) {
      this.#last = { namespace };
    } else {
      if (this.#keyvs > 1 && namespace !== this.#last.namespace) throw sharedBetween(this.#last.namespace, namespace);
      this.#last.namespace = namespace;
    }
    if (this.#lastStep === "errors") this.#lastStep = "namespace";
  }

  capabilitiesAreRead(): void {
    this.#lastStep = "capabilities";
  }

  errorsAreListenedTo(): void {
    if (this.#lastStep === "capabilities") this.#addKeyv(6);
    this.#lastStep = "errors";
  }

  optsAreRead(): void {
    if (this.#lastStep === "namespace" || this.#lastStep === "errors") {
      this.#addKeyv(5);
      this.#owners.add(this.#last);
    }
    this.#lastStep = undefined;
  }

  /** Tells at any later moment the namespace of the Keyv that was given the store last. */
  ofLastKeyv(): () => string | undefined {
    const owner = this.#last;
    return () => (this.areSeveral ? owner.namespace : this.current);
  }

  /** The namespace of the Keyv that asks for `keys`. */
  of(keys: readonly string[]): string | undefined {
    if (!this.areSeveral) return this.current;
    const names = new Set([...this.#owners].map(({ namespace }) => namespace));
    const fitting = [...names].filter((name) => name !== undefined && keys.every((key) => key.startsWith(`${name}:`)));
    if (fitting.length !== 1) throw this.ambiguous("tell whose keys these are");
    return fitting[0];
  }

  ambiguous(attempt: string): TypeError {
    const names = [...this.#owners].map(({ namespace }) => JSON.stringify(namespace ?? "")).join(", ");
    return new TypeError(`Cannot ${attempt}: Keyvs of the namespaces ${names} share a keyvStore; make one for each`);
  }

  #addKeyv(version: 5 | 6): void {
    if (this.#keyvs > 0 && this.#version !== version) {
      throw new TypeError("Cannot use one keyvStore for a Keyv 5 and a Keyv 6: make one for each");
    }
    this.#version = version;
    this.#keyvs++;
  }
}

function sharedBetween(first: string | undefined, second: string | undefined): TypeError {
  const names = `${JSON.stringify(first ?? "")} and ${JSON.stringify(second ?? "")}`;
  return new TypeError(`Cannot use one keyvStore for Keyvs of the namespaces ${names}: make one for each`);
}
