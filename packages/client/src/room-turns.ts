/** Lets what is done for one room happen one after the other, in the order of the calls; rooms do not wait for each other. */
export class RoomTurns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `task` when all earlier ones of the room have ended, well or not. */
  take<Result>(roomId: string, task: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(roomId);
    const turn = before ? before.then(task, task) : task();
    this.#last.set(roomId, turn);
    const leave = (): void => {
      if (this.#last.get(roomId) === turn) this.#last.delete(roomId);
    };
    turn.then(leave, leave);
    return turn;
  }
}
