import { App, type AppOptions, type ReceiverEvent } from "@slack/bolt";
import { z } from "zod";
import { type RequestTraces, type TraceParent, traced, traceEndedWork } from "../../operations/traced.ts";
import { commands } from "./commands.ts";

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

  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }
}

const text = z.string();

const forms = {
  command: z.object({ command: text, text: text.default("") }),
  click: z.object({ actions: z.tuple([z.object({ action_id: text, value: text.default("") })]) }),
  submission: z.object({
    type: z.literal("view_submission"),
    view: z.object({ callback_id: text, private_metadata: text }),
  }),
  event: z.object({ event: z.object({ type: text }) }),
};

interface Watching {
  /** With the seconds that each acknowledgement took. */
  readonly onAck: (seconds: number) => void;
  /** Absent: this process makes no traces. */
  readonly traces: RequestTraces | undefined;
}

/** Bolt's app with its running work: Bolt's own `stop()` returns before its handlers are done. */
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
      traceEndedWork({ name: "ack", beganAt: cameAt, endedAt });
      this.#watching.onAck((endedAt - cameAt) / 1000);
      acknowledged();
    };
    const sent = describeEvent(event.body);
    const customProperties = { ...event.customProperties, about: sent.request };
    const handled = this.#handling.track(this.#traced({ ...event, ack, customProperties }, sent, cameAt));
    void this.#acknowledging.track(Promise.race([isAcknowledged, handled.catch(() => {})]));
    return handled;
  }

  async #traced(event: ReceiverEvent, sent: DescribedEvent, cameAt: number): Promise<void> {
    const { traces } = this.#watching;
    if (!traces) return super.processEvent(event);
    const parent = await traceOf(sent.request, traces);
    return traced({ name: sent.name, kind: "server", parent, beganAt: cameAt }, () => super.processEvent(event));
  }

  get handling(): number {
    return this.#handling.count;
  }

  /** Resolves when everything received until now is acknowledged. */
  async acknowledged(): Promise<void> {
    await this.#acknowledging.drain();
  }

  /** Resolves when no event is being handled. */
  async drained(): Promise<void> {
    await this.#handling.drain();
  }
}

interface DescribedEvent {
  readonly name: string;
  readonly request: string | null;
}

/** Names an event, without a person's words. */
export function describeEvent(body: object): DescribedEvent {
  const command = forms.command.safeParse(body).data;
  if (command) {
    const word = command.text.trim().split(/\s+/)[0]?.toLowerCase();
    const known = commands.find((each) => each.word === word)?.word;
    return { name: known ? `/eks-access ${known}` : "/eks-access", request: requestIn(command.text) };
  }
  const click = forms.click.safeParse(body).data?.actions[0];
  if (click) return { name: `click ${click.action_id}`, request: requestIn(click.value) };
  const view = forms.submission.safeParse(body).data?.view;
  if (view) return { name: `submit ${view.callback_id}`, request: requestIn(view.private_metadata) };
  const event = forms.event.safeParse(body).data?.event;
  return { name: event ? `event ${event.type}` : "something of Slack", request: null };
}

function requestIn(text: string): string | null {
  return /\br-[a-z0-9]{8}\b/.exec(text)?.[0] ?? null;
}

async function traceOf(request: string | null, traces: RequestTraces): Promise<TraceParent | null> {
  if (request === null) return null;
  const found = await traces.of([request]).catch(() => null);
  return found?.get(request) ?? null;
}
