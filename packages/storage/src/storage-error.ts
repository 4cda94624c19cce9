/**
 * What a storage could not do, and why: "Cannot <what was tried>: <what was found>". The backend's own error, if there
 * is one, is its `cause`. No value that is stored is ever in the text.
 */
export class StorageError extends Error {
  override readonly name = "StorageError";
}
