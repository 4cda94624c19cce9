/*
 * How a text is encrypted. It is the same whoever does it, Node's cryptography or that of the web:
 *
 * 1. Each text belongs to one place, and is opened only there: what somebody moves elsewhere is not opened.
 * 2. The nonce is computed of the place and the text: the first 12 bytes of HMAC-SHA-256 over the length of the place in
 *    bytes (4 bytes, the highest first), the place and the text. So a text looks the same at a place each time, which is
 *    how names are found, and how what a commit expects is compared; and no nonce serves two texts.
 * 3. It is encrypted with AES-256-GCM, with the place as additional data. The two keys are independent.
 * 4. What is stored is the nonce, the encrypted text and the tag of 16 bytes, in base64url without padding.
 */
/** At once where it can be: waiting for what is there already costs more than many a call. */
export type Awaitable<Result> = Result | Promise<Result>;

/** Encrypts texts, each for one place. */
export interface Sealer {
  seal(place: string, text: string): Awaitable<string>;
  /** The text of which `seal` has made `sealed` for `place`; `undefined` when it has not. */
  open(place: string, sealed: string): Awaitable<string | undefined>;
}

export const nonceBytes = 12;
export const tagBytes = 16;
