import type { ServerResponse } from "node:http";
import type { Changes } from "../../slack/changes.ts";
import type { Html } from "../html.ts";

/** Changes come in bursts; the page is drawn once for each burst, in milliseconds. */
const burst = 40;
/** Words such as "3 min ago" grow old. Also tells a proxy and the browser that the line is alive. */
const refreshEvery = 15_000;

/**
 * Sends to one browser each region that is not what it has: at first all, then what changed.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function sendRegions(
  response: ServerResponse,
  changes: Changes,
  draw: () => Readonly<Record<string, Html>>,
): void {
  const sent = new Map<string, string>();
  let soon: NodeJS.Timeout | undefined;
  const send = () => {
    soon = undefined;
    const changed = Object.entries(draw()).filter(([id, { markup }]) => sent.get(id) !== markup);
    for (const [id, { markup }] of changed) sent.set(id, markup);
    const regions = Object.fromEntries(changed.map(([id, { markup }]) => [id, markup]));
    response.write(changed.length > 0 ? `event: regions\ndata: ${JSON.stringify(regions)}\n\n` : ": still here\n\n");
  };
  const soonSend = () => {
    soon ??= setTimeout(send, burst);
  };
  const stopListening = changes.onChange(soonSend);
  const refresh = setInterval(send, refreshEvery);
  response.on("close", () => {
    stopListening();
    clearTimeout(soon);
    clearInterval(refresh);
  });
  send();
}
