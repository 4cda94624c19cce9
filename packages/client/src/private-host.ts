/** Tells whether the host of a URL is this machine, as far as its name says. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === "[::1]" || /^127(\.\d+){3}$|^(.+\.)?localhost\.?$/.test(hostname);
}

/** Tells whether a URL has to be allowed first: one without encryption that leaves this machine. */
export function isExposed(url: URL): boolean {
  return url.protocol === "http:" && !isLoopbackHost(url.hostname);
}

const privateName = /^[^.]*$|(^|\.)(localhost|local|localdomain|internal|home\.arpa|home|lan|corp)$/;

/**
 * Tells whether the host of a URL is in no public network: this machine, and the names and addresses that are set apart for local
 * networks, for carriers, and for groups; a name without a dot, too. It knows what the host is called, and not where a name resolves to.
 */
export function isPrivateHost(hostname: string): boolean {
  if (hostname.startsWith("[")) return isPrivateIpv6(hostname);
  const name = hostname.replace(/(?<!\.)\.+$/, "");
  return isPrivateIpv4(name) || privateName.test(name);
}

/** A URL has changed all the ways to write an IPv4 address into this one. */
function isPrivateIpv4(hostname: string): boolean {
  const [, ...parts] = /^(\d+)\.(\d+)\.(\d+)\.\d+$/.exec(hostname) ?? [];
  const [a = -1, b = -1, c = -1] = parts.map(Number);
  return (
    [0, 10, 127].includes(a) ||
    a >= 224 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && (b === 168 || (b === 0 && c === 0))) ||
    (a === 198 && (b === 18 || b === 19))
  );
}

/** Only 2000::/3 is public, and in it are two ranges that hold an IPv4 address of any kind: Teredo and 6to4. */
function isPrivateIpv6(hostname: string): boolean {
  const [first = "", second = ""] = hostname.slice(1, -1).split(":");
  const group = Number.parseInt(first, 16);
  const isTeredo = group === 0x2001 && Number.parseInt(second || "0", 16) === 0;
  return !(group >= 0x2000 && group < 0x4000) || group === 0x2002 || isTeredo;
}
