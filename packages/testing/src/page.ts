/** An answer for the browser of a person, in place of JSON. */
export class Page {
  readonly status: number;
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, html: string, headers: Readonly<Record<string, string>> = {}) {
    this.status = status;
    this.html = html;
    this.headers = headers;
  }
}
