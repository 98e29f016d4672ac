/** Handlers that still run: Bolt's `stop()` returns before they are done. */
export class InFlight {
  readonly #running = new Set<Promise<unknown>>();

  track<T>(handler: Promise<T>): Promise<T> {
    this.#running.add(handler);
    const forget = () => void this.#running.delete(handler);
    handler.then(forget, forget);
    return handler;
  }

  /** Resolves when all of them are done. */
  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }
}
