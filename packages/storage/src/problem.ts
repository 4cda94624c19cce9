/** What an error says, for the text of a `StorageError`. */
export function problemOf(error: unknown): string {
  // Node's error for a host with several addresses says nothing itself.
  if (error instanceof AggregateError && error.message === "") return error.errors.map(problemOf).join(", ");
  return error instanceof Error ? error.message : String(error);
}
