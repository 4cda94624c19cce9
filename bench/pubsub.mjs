// What a publish costs: @mx/pubsub beside mitt, emittery and a loop written by hand.
import Emittery from "emittery";
import mitt from "mitt";
import { Publisher } from "../packages/pubsub/dist/index.js";
import { compareSideBySide } from "./harness/side-by-side.mjs";

const counter = { calls: 0 };

// 32 functions with code of their own, as in an application: one that is called from everywhere would be inlined.
const subscribers = makeSubscribers("(message) => { counter.calls += message.weight; }");
const asyncSubscribers = makeSubscribers("async (message) => { counter.calls += message.weight; }");

function makeSubscribers(code) {
  // oxlint-disable-next-line typescript/no-implied-eval -- the engine must compile each anew
  return Array.from({ length: 32 }, () => new Function("counter", `return ${code}`)(counter));
}

class Message {
  weight = 1;
}
const classes = Array.from({ length: 1000 }, () => class extends Message {});
const names = classes.map((_, index) => `message ${index}`);
const message = new Message();
// Published in turn, so that it is not always the same subscriber either.
const messages = classes.slice(0, 32).map((type) => new type());

const cases = [
  {
    name: "10 synchronous subscribers",
    goal: 1.3,
    ours: "@mx/pubsub",
    theirs: "mitt",
    contestants: {
      "@mx/pubsub"() {
        const publisher = new Publisher();
        for (const subscriber of subscribers.slice(0, 10)) publisher.subscribe(Message, subscriber);
        return counting(10, (times) => {
          for (let time = 0; time < times; time++) void publisher.publish(message);
        });
      },
      mitt() {
        const emitter = mitt();
        for (const subscriber of subscribers.slice(0, 10)) emitter.on("message", subscriber);
        return counting(10, (times) => {
          for (let time = 0; time < times; time++) emitter.emit("message", message);
        });
      },
    },
  },
  {
    name: "one match in 1,000",
    goal: 1,
    ours: "@mx/pubsub",
    theirs: "mitt",
    contestants: {
      "@mx/pubsub"() {
        const publisher = new Publisher();
        for (const [index, type] of classes.entries()) publisher.subscribe(type, subscribers[index % 32]);
        return counting(1, (times) => {
          for (let time = 0; time < times; time++) void publisher.publish(messages[time % 32]);
        });
      },
      mitt() {
        const emitter = mitt();
        for (const [index, name] of names.entries()) emitter.on(name, subscribers[index % 32]);
        return counting(1, (times) => {
          for (let time = 0; time < times; time++) emitter.emit(names[time % 32], messages[time % 32]);
        });
      },
    },
  },
  {
    name: "10 asynchronous, awaited",
    goal: 1.4,
    ours: "@mx/pubsub",
    theirs: "for … await",
    contestants: {
      "@mx/pubsub"() {
        const publisher = new Publisher();
        for (const subscriber of asyncSubscribers.slice(0, 10)) publisher.subscribe(Message, subscriber);
        return counting(10, async (times) => {
          for (let time = 0; time < times; time++) await publisher.publish(message);
        });
      },
      "for … await"() {
        const list = asyncSubscribers.slice(0, 10);
        async function publish(published) {
          for (const subscriber of list) await subscriber(published);
        }
        return counting(10, async (times) => {
          for (let time = 0; time < times; time++) await publish(message);
        });
      },
      "emittery.emitSerial"() {
        const emitter = new Emittery();
        for (const subscriber of asyncSubscribers.slice(0, 10)) emitter.on("message", subscriber);
        return counting(10, async (times) => {
          for (let time = 0; time < times; time++) await emitter.emitSerial("message", message);
        });
      },
    },
  },
];

/** What `run` does, with a check that each of its publishes called `expected` subscribers. */
function counting(expected, run) {
  return async (times) => {
    counter.calls = 0;
    await run(times);
    if (counter.calls !== times * expected) throw new Error(`${counter.calls} calls in ${times} publishes`);
  };
}

await compareSideBySide(import.meta.url, cases);
