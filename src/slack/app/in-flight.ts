/** What still runs. */
export class InFlight {
  readonly #running = new Set<Promise<unknown>>();

  track<T>(handler: Promise<T>): Promise<T> {
    this.#running.add(handler);
    const forget = () => void this.#running.delete(handler);
    handler.then(forget, forget);
    return handler;
  }

  get count(): number {
    return this.#running.size;
  }

  /** Resolves when all of them are done. */
  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }
}
