import { createHash } from "node:crypto";
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";

/*
 * A process by a name that no other one gets: its number alone is given to another process sooner or later.
 *
 * The name is `<number>.<start time>.<number space>.<boot>.<machine>`: the start time tells two processes with the same
 * number apart, the number space (of a container) says what the number means, the boot what the start time counts from,
 * and the machine which one has booted. What only Linux knows is `-` elsewhere, and a lock may have to be deleted by
 * hand when the number of a killed process was given away.
 */

/** Where and when process numbers and start times mean what they mean here. */
interface Scope {
  readonly numberSpace: string;
  readonly boot: string;
}

const unknown = "-";

/** The name of this process. */
export async function ownIdentity(): Promise<string> {
  const [own, { numberSpace, boot }, machine] = await Promise.all([processOf(process.pid), scopeOf(), machineOf()]);
  return [process.pid, own?.start ?? unknown, numberSpace, boot, machine].join(".");
}

/** Tells whether it is certain that the process of that name has ended. */
export async function hasEnded(identity: string): Promise<boolean> {
  const [pid, start, numberSpace, boot, machine] = identity.split(".");
  const scope = await scopeOf();
  if (machine !== (await machineOf())) return false;
  if ((boot === unknown) !== (scope.boot === unknown)) return false;
  if (boot !== scope.boot) return true;
  if (numberSpace !== scope.numberSpace) return false;
  if (!isNumberInUse(Number(pid))) return true;
  const found = await processOf(Number(pid));
  return found !== undefined && start !== unknown && (found.start !== start || found.state === "Z");
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

async function scopeOf(): Promise<Scope> {
  try {
    const numberSpace = await readlink("/proc/self/ns/pid");
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return { numberSpace: numberSpace.replace(/\D/g, ""), boot: boot.trim() };
  } catch {
    return { numberSpace: unknown, boot: unknown };
  }
}

/** Both names of the machine, in short: copies of one image have the same ID, and often other host names. */
async function machineOf(): Promise<string> {
  const id = await readFile("/etc/machine-id", "utf8").catch(() => "");
  return createHash("sha256").update(`${id}\n${hostname()}`).digest("hex").slice(0, 16);
}
