import { App, type AppOptions, type ReceiverEvent } from "@slack/bolt";
import { InFlight } from "./in-flight.ts";

/** Called when an event was acknowledged, with how long that took. */
export type AckListener = (seconds: number) => void;

/** Bolt's app, which knows what it still does: its own `stop()` returns before its handlers are done. */
export class WatchedApp extends App {
  readonly #handling = new InFlight();
  readonly #acknowledging = new InFlight();
  readonly #onAck: AckListener;

  constructor(options: AppOptions, onAck: AckListener) {
    super(options);
    this.#onAck = onAck;
  }

  override processEvent(event: ReceiverEvent): Promise<void> {
    const cameAt = performance.now();
    let acknowledged = () => {};
    const isAcknowledged = new Promise<void>((resolve) => {
      acknowledged = resolve;
    });
    const ack: ReceiverEvent["ack"] = async (response) => {
      await event.ack(response);
      this.#onAck((performance.now() - cameAt) / 1000);
      acknowledged();
    };
    const handled = this.#handling.track(super.processEvent({ ...event, ack }));
    void this.#acknowledging.track(Promise.race([isAcknowledged, handled.catch(() => {})]));
    return handled;
  }

  /** How many events are being handled. */
  get handling(): number {
    return this.#handling.count;
  }

  /** Resolves when what came until now is acknowledged. */
  async acknowledged(): Promise<void> {
    await this.#acknowledging.drain();
  }

  /** Resolves when nothing is being handled any more. */
  async drained(): Promise<void> {
    await this.#handling.drain();
  }
}
