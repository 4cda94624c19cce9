/**
 * What went wrong, for programs:
 * - `failed`: the backend failed; its error is the `cause`.
 * - `closed`: the storage was closed.
 * - `locked`: somebody else has the store open, or keeps it from being written to.
 * - `damaged`: what is stored, or an export, is not what a storage has written; nothing of it was touched.
 * - `newer-format`: a later version, of this package or of the application, has written it; nothing of it was touched.
 * - `conflict`: a transaction lost to others each time, or an import to another one.
 * - `lease-held`: somebody else has the lease.
 * - `lease-lost`: somebody else had the lease meanwhile, so nothing was written.
 * - `misuse`: a transaction was used after its end, or its storage inside it; or something was to go to a storage that is
 *   not empty.
 * - `wrong-key`: what is stored was encrypted with another key.
 */
export type StorageErrorCode =
  | "failed"
  | "closed"
  | "locked"
  | "damaged"
  | "newer-format"
  | "conflict"
  | "lease-held"
  | "lease-lost"
  | "misuse"
  | "wrong-key";

/**
 * What a storage could not do, and why: "Cannot <what was tried>: <what was found>". The backend's own error, if there
 * is one, is its `cause`. No value that is stored is ever in the text.
 */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly code: StorageErrorCode;

  constructor(message: string, options: { readonly code?: StorageErrorCode; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code ?? "failed";
  }
}
