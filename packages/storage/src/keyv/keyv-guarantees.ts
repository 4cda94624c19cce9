import type { StorageGuarantees } from "../engine.js";

/** A Keyv does not tell what is under it, and the storage on it does not see what others do there. */
export const keyvGuarantees: StorageGuarantees = { durability: "unknown", sharing: "nobody" };
