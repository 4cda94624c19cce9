import type { Storage } from "../storage.js";

/** The store that a behaviour is checked on: an empty one for each. */
export interface ContractFixture {
  /** Opens the store, again when that is called again; without `isShared` only after the storage before was closed. */
  open(): Promise<Storage>;
  /** Whether what was written is still there when the store is opened again. */
  readonly isDurable: boolean;
  /** Whether the store may be open more than once at a time. */
  readonly isShared: boolean;
}

/** One thing that every storage does. */
export interface Behaviour {
  /** What it does, as a sentence that goes on from "a storage": the name of a test. */
  readonly behaviour: string;
  /** Rejects with an `AssertionError` when it does something else. What it opens it closes. */
  readonly check: (fixture: ContractFixture) => Promise<void>;
}
