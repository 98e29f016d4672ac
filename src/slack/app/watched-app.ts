import { App, type AppOptions, type ReceiverEvent } from "@slack/bolt";
import { aboutRequests } from "../../operations/tracing/about.ts";
import type { RequestTraces } from "../../operations/tracing/request-traces.ts";
import { tellWork, traced } from "../../operations/tracing/traced.ts";
import { InFlight } from "./in-flight.ts";
import { readSent, workOf } from "./trace-event.ts";

interface Watching {
  /** Called when an event was acknowledged, with how long that took. */
  readonly onAck: (seconds: number) => void;
  /** Absent where no traces are made. */
  readonly traces: RequestTraces | undefined;
}

/** Bolt's app, which knows what it still does: its own `stop()` returns before its handlers are done. */
export class WatchedApp extends App {
  readonly #handling = new InFlight();
  readonly #acknowledging = new InFlight();
  readonly #watching: Watching;

  constructor(options: AppOptions, watching: Watching) {
    super(options);
    this.#watching = watching;
  }

  override processEvent(event: ReceiverEvent): Promise<void> {
    const cameAt = Number(event.customProperties?.cameAt ?? Date.now());
    let acknowledged = () => {};
    const isAcknowledged = new Promise<void>((resolve) => {
      acknowledged = resolve;
    });
    const ack: ReceiverEvent["ack"] = async (response) => {
      await event.ack(response);
      const endedAt = Date.now();
      tellWork({ name: "ack", beganAt: cameAt, endedAt });
      this.#watching.onAck((endedAt - cameAt) / 1000);
      acknowledged();
    };
    const handled = this.#handling.track(this.#traced({ ...event, ack }, cameAt));
    void this.#acknowledging.track(Promise.race([isAcknowledged, handled.catch(() => {})]));
    return handled;
  }

  #traced(event: ReceiverEvent, cameAt: number): Promise<void> {
    const { traces } = this.#watching;
    const sent = readSent(event.body);
    return aboutRequests(sent.request === null ? [] : [sent.request], async () => {
      if (!traces) return super.processEvent(event);
      return traced(await workOf(sent, cameAt, traces), () => super.processEvent(event));
    });
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
