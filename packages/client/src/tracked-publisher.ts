import type { Publisher } from "@mx/pubsub";

/** Publishes what a client has to tell, and knows when subscribers are at work on that. */
export class TrackedPublisher {
  readonly #publisher: Publisher;
  #underWay = 0;
  #tellBusy: (() => void)[] = [];

  constructor(publisher: Publisher) {
    this.#publisher = publisher;
  }

  async publish(message: object): Promise<void> {
    this.#underWay++;
    for (const tell of this.#tellBusy.splice(0)) tell();
    try {
      await this.#publisher.publish(message);
    } finally {
      this.#underWay--;
    }
  }

  /** Resolves as soon as subscribers are at work: now, or with the next message. */
  async busy(): Promise<void> {
    if (this.#underWay > 0) return;
    await new Promise<void>((resolve) => {
      this.#tellBusy.push(resolve);
    });
  }
}
