/** Tells whether a status is that of a redirect. Browsers say 0 for one that they were told not to follow. */
export function isRedirect(status: number): boolean {
  return [0, 301, 302, 303, 307, 308].includes(status);
}
