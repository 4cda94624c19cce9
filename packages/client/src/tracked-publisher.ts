import type { Publisher } from "@mx/pubsub";

/** Publishes what a client has to tell, and knows when subscribers are at work on that. */
export class TrackedPublisher {
  readonly #publisher: Publisher;
  #underWay = 0;

  constructor(publisher: Publisher) {
    this.#publisher = publisher;
  }

  get isPublishing(): boolean {
    return this.#underWay > 0;
  }

  async publish(message: object): Promise<void> {
    this.#underWay++;
    try {
      await this.#publisher.publish(message);
    } finally {
      this.#underWay--;
    }
  }
}
