/** What an error says of a value, which may be anything and of any length. */
export function quote(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 200)) : typeof value;
}

/** The same of what was meant to be a URL or a server name: who puts a password into one finds it in no log. */
export function quoteUrl(url: unknown): string {
  return quote(typeof url === "string" ? url.replace(/^([^@:/\\]*:[/\\]*)[^]*@/, "$1…@") : url);
}
