import type { ChainedEvent, ChainVerdict } from "../../../src/access/audit/event.ts";
import { type Content, type Html, html } from "../html.ts";
import { panel } from "./panel.ts";

/** How many jobs of a queue are in each state. */
export interface QueueState {
  readonly name: string;
  readonly counts: Readonly<Record<string, number>>;
  /** The last ones, newest first. */
  readonly jobs: readonly {
    readonly id: string;
    readonly name: string;
    readonly what: string;
    readonly state: string;
  }[];
}

/** What Redis holds of the product; null where Redis does not answer. */
export interface LedgerState {
  readonly verdict: ChainVerdict;
  /** The last ones, oldest first. */
  readonly events: readonly ChainedEvent[];
  readonly queues: readonly QueueState[];
}

const unreachable = html`<p class="empty">Redis does not answer. Nothing is lost: it is shown again as soon as Redis is back.</p>`;

export function auditPanel(state: LedgerState | null, nameOf: (user: string) => string): Html {
  const title = { id: "audit", title: "Audit trail" };
  if (!state) return panel(title, unreachable);
  const { verdict, events } = state;
  const note =
    verdict.type === "whole"
      ? html`<span class="good">✓ The chain is whole:</span> ${verdict.count} ${verdict.count === 1 ? "event" : "events"}, each with the hash of the one before it.`
      : html`<span class="bad">✗ The chain is broken.</span> ${verdict.message}`;
  if (events.length === 0) return panel(title, html`<p class="empty">Nothing has happened yet.</p>`);
  const rows = events.toReversed().map((each) => row(each, nameOf));
  return panel(
    { ...title, note },
    html`<div class="scroll" tabindex="0"><table><thead><tr><th scope="col">#</th><th scope="col">Event</th><th scope="col">By</th><th scope="col">Request</th><th scope="col">Hash</th></tr></thead><tbody>${rows}</tbody></table></div>`,
  );
}

function row({ sequence, event, previous, hash }: ChainedEvent, nameOf: (user: string) => string): Content {
  return html`<tr id="event-${sequence}"><td>${sequence}</td><td>${event.type}</td><td>${nameOf(event.actor)}</td><td><code>${event.request}</code></td>
    <td title="after ${previous.slice(0, 8)}"><code>${hash.slice(0, 8)}</code></td></tr>`;
}

export function queuePanel(state: LedgerState | null): Html {
  const title = {
    id: "queue",
    title: "Queues",
    note: "A job says what to look at, never what to do: it can run twice, late or after a crash.",
  };
  if (!state) return panel(title, unreachable);
  return panel(title, html`<div class="queues">${state.queues.map(queue)}</div>`);
}

function queue({ name, counts, jobs }: QueueState): Html {
  const shown = Object.entries(counts).map(([what, count]) => html`<div><dt>${what}</dt><dd>${count}</dd></div>`);
  const rows = jobs.map(
    (job) => html`<li><span class="state ${job.state}">${job.state}</span> <b>${job.name}</b> ${job.what}</li>`,
  );
  return html`<section aria-label="Queue ${name}"><h3>${name}</h3><dl>${shown}</dl><ul class="jobs">${rows}</ul></section>`;
}
