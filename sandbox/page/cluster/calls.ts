import type { SandboxCall } from "../../scene-clusters.ts";
import { type Html, html } from "../html.ts";
import { panel } from "./panel.ts";

/** One call that a stand-in answered, with its place in their order. */
export interface NumberedCall extends SandboxCall {
  readonly number: number;
}

/** What the product asked of Slack, AWS and the cluster, and as whom: the newest first. */
export function callsPanel(calls: readonly NumberedCall[]): Html {
  const note = "Each call of the two processes to Slack, AWS and the cluster, over HTTP.";
  if (calls.length === 0) return panel({ id: "calls", title: "Calls", note }, html`<p class="empty">None yet.</p>`);
  const rows = calls
    .toReversed()
    .map(
      ({ number, call, status, milliseconds, by }) =>
        html`<tr id="call-${number}" class="${status >= 400 && "bad"}"><td>${call}</td><td>${status}</td><td class="right">${milliseconds.toFixed(0)} ms</td><td>${by}</td></tr>`,
    );
  return panel(
    { id: "calls", title: "Calls", note },
    html`<div class="scroll" tabindex="0"><table><thead><tr><th scope="col">Call</th><th scope="col">Status</th><th scope="col" class="right">Took</th><th scope="col">As</th></tr></thead><tbody>${rows}</tbody></table></div>`,
  );
}
