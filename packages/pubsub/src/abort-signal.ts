/** The part of an `AbortSignal` that is used here, so that the types need neither the DOM's nor Node's. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: (event: { readonly target: unknown }) => void): void;
  removeEventListener(type: "abort", listener: (event: { readonly target: unknown }) => void): void;
}
