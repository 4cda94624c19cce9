import { expect, onTestFinished, test, vi } from "vitest";
import type { Commit } from "../engine.js";
import { clock } from "../env.js";
import { ChangeNotices } from "./change-notices.js";

function writes(key: string): Commit[] {
  return [{ expected: new Map(), cleared: [], written: new Map([[key, "1"]]) }];
}

function listening(maxSilenceMs = 1000): ChangeNotices {
  const notices = new ChangeNotices(maxSilenceMs);
  notices.startedListening();
  notices.take();
  return notices;
}

test("notices tell what others have changed, once", () => {
  const notices = listening();
  notices.hear(new ChangeNotices(1).make(writes("=a")).text);
  notices.hear(new ChangeNotices(1).make(writes("=a b [")).text);
  expect([notices.take(), notices.take()]).toEqual([["=a", "=a b ["], []]);
});

test("notices of our own commits tell nothing, unless nobody knows what became of the commit", () => {
  const notices = listening();
  const [first, second] = [notices.make(writes("=a")), notices.make(writes("=b"))];
  notices.abandon(second);
  notices.hear(first.text);
  expect(notices.take()).toEqual([]);
  notices.hear(second.text);
  expect(notices.take()).toEqual(["=b"]);
});

test("nothing is known while notices may be missed, and about the time before they came again", () => {
  const notices = new ChangeNotices(1000);
  expect(notices.take()).toBe("all");
  notices.startedListening();
  expect([notices.take(), notices.take()]).toEqual(["all", []]);
  notices.stoppedListening();
  expect([notices.take(), notices.take()]).toEqual(["all", "all"]);
  notices.startedListening();
  expect([notices.take(), notices.take()]).toEqual(["all", []]);
});

test("nothing is known after a silence, until there is a sign of life", () => {
  let nowMs = 0;
  const spy = vi.spyOn(clock, "monotonicMs").mockImplementation(() => nowMs);
  onTestFinished(() => spy.mockRestore());
  const notices = listening(1000);
  nowMs = 1000;
  expect(notices.take()).toEqual([]);
  nowMs = 1001;
  expect([notices.take(), notices.take()]).toEqual(["all", "all"]);
  notices.heardSomething();
  expect(notices.take()).toEqual([]);
});

test.each(["", "x", "a 1", "a 1 {", "a 1 {}", "a 1 [1]", 'a 1 "some"'])(
  "a notice that is none may be any change: %j",
  (text) => {
    const notices = listening();
    notices.hear(text);
    expect(notices.take()).toBe("all");
  },
);
