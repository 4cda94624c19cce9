/** The secrets that a request tells the homeserver: it may repeat them in its answer, and errors carry that answer on. */
export function secretsIn({ headers, body }: { headers: Record<string, string>; body?: string }): string[] {
  const secrets = new Set<string>();
  const [, token] = headers["authorization"]?.split(" ") ?? [];
  if (token) secrets.add(token);
  if (body) {
    JSON.parse(body, (key, value: unknown) => {
      if (typeof value === "string" && value !== "" && /password|token|secret/i.test(key)) secrets.add(value);
    });
  }
  return [...secrets];
}

/** What means something to a program, and is no secret: error codes, and names such as those of authentication stages. */
const word = /^(M_[A-Z_]+|[a-z]+(\.\w+)+)$/;

/** A text of a homeserver without secrets; words that mean something stay. */
export function redact(text: string, secrets: readonly string[]): string {
  if (word.test(text)) return text;
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, "<secret>"), text);
}
