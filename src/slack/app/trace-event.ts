import { z } from "zod";
import type { RequestTraces } from "../../operations/tracing/request-traces.ts";
import type { TraceParent, Work } from "../../operations/tracing/traced.ts";
import { commands } from "./commands.ts";

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

/** What Slack sent, by a name that is one of few, and the request that it speaks of. */
interface Sent {
  readonly name: string;
  readonly request: string | null;
}

/** Nothing of what somebody wrote becomes a part of the name. */
export function readSent(body: object): Sent {
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

/** The work that Slack's event begins: a part of the trace of the request that it speaks of, if there is one. */
export async function workOf({ name, request }: Sent, beganAt: number, traces: RequestTraces): Promise<Work> {
  return { name, kind: "server", parent: await traceOf(request, traces), beganAt };
}

async function traceOf(request: string | null, traces: RequestTraces): Promise<TraceParent | null> {
  if (request === null) return null;
  const found = await traces.of([request]).catch(() => null);
  return found?.get(request) ?? null;
}
