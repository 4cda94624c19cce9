import { readFile, readlink } from "node:fs/promises";

/*
 * A process by a name that no other one gets: its number alone is given to another process sooner or later.
 *
 * On Linux the name is `<number>.<start time>.<number space>.<boot>`: the start time tells two processes with the same
 * number apart, the number space (of a container) says what the number means, and the boot what the start time counts
 * from. Elsewhere it is `<number>`, and a lock may have to be deleted by hand when the number of a killed process was
 * given away.
 */

/** The name of this process. */
export async function ownIdentity(): Promise<string> {
  const [own, scope] = await Promise.all([processOf(process.pid), scopeOf()]);
  return own === undefined || scope === undefined ? `${process.pid}` : `${process.pid}.${own.start}.${scope}`;
}

/** Tells whether it is certain that the process of that name has ended. */
export async function hasEnded(identity: string): Promise<boolean> {
  const [pid, start, numberSpace, boot] = identity.split(".");
  const scope = await scopeOf();
  if (scope !== undefined && boot !== undefined) {
    const [ownNumberSpace, ownBoot] = scope.split(".");
    if (boot !== ownBoot) return true;
    if (numberSpace !== ownNumberSpace) return false;
  }
  if (!isNumberInUse(Number(pid))) return true;
  const found = await processOf(Number(pid));
  return found !== undefined && start !== undefined && (found.start !== start || found.state === "Z");
}

function isNumberInUse(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Any other refusal is about a process that is there.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/** What Linux says about a process; `state` is `Z` when it has ended and nobody has asked how. */
async function processOf(pid: number): Promise<{ state: string | undefined; start: string } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // The second field is the program's name in parentheses, in which anything may be; the third is the state, the 22nd
  // the start.
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  const start = fields?.[19];
  return start === undefined ? undefined : { state: fields?.[0], start };
}

/** Where and when process numbers and start times mean what they mean here: `<number space>.<boot>`. */
async function scopeOf(): Promise<string | undefined> {
  try {
    const numberSpace = await readlink("/proc/self/ns/pid");
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return `${numberSpace.replace(/\D/g, "")}.${boot.trim()}`;
  } catch {
    return undefined;
  }
}
