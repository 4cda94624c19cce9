import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client } from "@mx/client";
import { randomFrom } from "../../../storage/src/testing/random.mjs";
import { RefreshWatch } from "./refresh-watch.mjs";
import { sharedStorages } from "./shared-storages.mjs";

const program = fileURLToPath(new URL("sharing-process.mjs", import.meta.url));

/** The points of a refresh at which a process can come to grief. */
const points = ["asking", "answered", "saved", "used"];

/** What can befall a process: it is killed or stopped, at a random moment or at a point of a refresh. */
export const faults = ["kill", "stall"].flatMap((fault) => [fault].concat(points.map((point) => `${fault} ${point}`)));

/** How long a process stands still: for longer than it keeps a lease. */
const stallMs = 5000;

/** What has begun in the end is given this time. */
const endMs = 60_000;

/**
 * Lets processes use one session together, each with requests of its own all the time, while some are killed and started again, and some
 * stand still. Nobody may be logged out, and each request must be answered, but for those of a killed process.
 */
export async function shareSession({ homeserver, kind, place, ...options }) {
  const watch = await RefreshWatch.start(homeserver);
  const session = await logIn(sharedStorages[kind], place, watch.url);
  const processes = new SharingProcesses({ kind, place, roomId: session.roomId, ...options });
  const startedAt = performance.now();
  try {
    await processes.run();
    await session.checkStillThere((problem) => processes.problems.push(problem));
  } finally {
    await processes.killAll();
    await watch.close();
  }
  const { granted, repeated, refused } = watch;
  const { answered, longestMs, befallen, problems } = processes;
  const ms = performance.now() - startedAt;
  const most = mostRefreshes(ms, options.lifeMs) + befallen.length;
  if (granted > most) problems.push(`there were ${granted} refreshes, where ${most} would have done`);
  if (granted === 0) problems.push("there was no refresh at all");
  if (repeated > befallen.length) problems.push(`${repeated} refreshes were made twice, without a reason`);
  if (refused > 2 * befallen.length) problems.push(`${refused} refreshes were refused, without a reason`);
  return { answered, longestMs, ms, befallen, granted, repeated, refused, problems };
}

/** One for each token: it is replaced when a quarter of its life is left, but not more than once a second; or when it is refused. */
function mostRefreshes(ms, lifeMs) {
  return Math.ceil(ms / Math.min(lifeMs, Math.max(1000, (lifeMs * 3) / 4))) + 1;
}

/** A session for all, and what is left of it in the end. */
async function logIn(open, place, url) {
  const storage = () => open(place);
  const client = new Client({ storage, baseClientUrl: `${url}/_matrix/client/` });
  const user = `shared-${randomBytes(6).toString("hex")}`;
  const identity = await client.register({ user, password: randomBytes(8).toString("hex") });
  const roomId = await client.createRoom();
  await client.close();
  return {
    roomId,
    async checkStillThere(tellProblem) {
      const later = new Client({ storage });
      try {
        const found = await later.whoami();
        if (found.deviceId !== identity.deviceId) tellProblem(`the device is "${found.deviceId}" in the end`);
      } catch (error) {
        tellProblem(`the session is gone in the end: ${error.message}`);
      } finally {
        await later.close();
      }
    },
  };
}

class SharingProcesses {
  answered = 0;
  longestMs = 0;
  /** The faults that have happened, in order. */
  befallen = [];
  problems = [];
  #task;
  #ms;
  #faults;
  #random;
  #slots;
  #isOver = false;
  #tellPoint = () => {};

  constructor({ ms, faults: planned = [], seed, processes = 4, syncing = processes, ...task }) {
    this.#task = task;
    this.#ms = ms;
    this.#faults = planned;
    this.#random = randomFrom(seed);
    this.#slots = Array.from({ length: processes }, (_, index) => ({
      name: `process ${index}`,
      syncs: index < syncing,
    }));
  }

  async run() {
    for (const slot of this.#slots) this.#start(slot);
    await Promise.all(this.#slots.map(({ atWork }) => atWork));
    const timer = new AbortController();
    const over = delay(this.#ms, undefined, { signal: timer.signal }).then(() => (this.#isOver = true));
    over.catch(() => {});
    const startedAt = performance.now();
    for (const [index, fault] of this.#faults.entries()) {
      const dueAt = startedAt + (this.#ms * (index + 0.2 + this.#random() * 0.6)) / this.#faults.length;
      await Promise.race([over, delay(dueAt - performance.now(), undefined, { signal: timer.signal })]);
      if (this.#isOver) break;
      await this.#befall(fault, over);
    }
    await over;
    timer.abort();
    await Promise.all(this.#slots.map((slot) => this.#stop(slot)));
  }

  async killAll() {
    await Promise.all(this.#slots.map((slot) => this.#kill(slot)));
  }

  #start(slot) {
    const { syncs, name } = slot;
    const { kind, place, roomId, pauseMs, breakage } = this.#task;
    const task = { kind, place, roomId, pauseMs, breakage, name, syncs };
    slot.atWork = new Promise((resolve) => (slot.tellAtWork = resolve));
    const started = fork(program, [JSON.stringify(task)], { execArgv: ["--disable-warning=ExperimentalWarning"] });
    slot.process = started;
    slot.isAtStake = false;
    slot.ended = once(started, "exit");
    started.on("exit", (code, signal) => {
      slot.tellAtWork();
      if (!slot.isAtStake && code !== 0) this.problems.push(`${name} has ended by itself, with ${code ?? signal}`);
    });
    started.on("message", (message) => this.#hear(slot, message));
    // It may be killed while it is told something.
    started.on("error", () => {});
  }

  #hear(slot, { answeredAfterMs, problem, point }) {
    if (problem !== undefined) this.problems.push(`${slot.name}, ${problem}`);
    if (point !== undefined) this.#tellPoint(slot);
    slot.tellAtWork();
    if (answeredAfterMs === undefined) return;
    this.answered++;
    this.longestMs = Math.max(this.longestMs, answeredAfterMs);
  }

  async #befall(fault, over) {
    const [does, at] = fault.split(" ");
    const slot = at === undefined ? this.#randomSlot() : await this.#firstAt(at, does, over);
    if (!slot) return;
    this.befallen.push(fault);

    if (does === "kill") {
      await this.#kill(slot);
      this.#start(slot);
    } else {
      // At a point it stops itself: told twice, it may stop once more when it goes on.
      if (at === undefined) slot.process.kill("SIGSTOP");
      await delay(stallMs);
      slot.process.kill("SIGCONT");
    }
  }

  #randomSlot() {
    return this.#slots[Math.floor(this.#random() * this.#slots.length)];
  }

  /** The first process that comes to a point of a refresh: it has killed or stopped itself there. */
  async #firstAt(at, does, over) {
    const first = new Promise((resolve) => (this.#tellPoint = resolve));
    this.#arm({ at, signal: does === "kill" ? "SIGKILL" : "SIGSTOP" });
    const slot = await Promise.race([first, over]);
    this.#arm(undefined);
    this.#tellPoint = (late) => {
      late.isAtStake = true;
      late.process.kill("SIGCONT");
    };
    return slot === true ? undefined : slot;
  }

  #arm(armed) {
    for (const slot of this.#slots) {
      slot.isAtStake = armed?.signal === "SIGKILL";
      // It may be killed in this moment.
      if (slot.process.connected) slot.process.send({ armed }, () => {});
    }
  }

  async #kill(slot) {
    slot.isAtStake = true;
    slot.process.kill("SIGKILL");
    await slot.ended;
  }

  async #stop(slot) {
    if (slot.process.connected) slot.process.send("stop");
    const timer = new AbortController();
    const late = delay(endMs, "late", { signal: timer.signal }).catch(() => undefined);
    if ((await Promise.race([slot.ended, late])) === "late") this.problems.push(`${slot.name} hangs`);
    timer.abort();
  }
}
