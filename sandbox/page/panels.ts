import { diffArrays } from "diff";
import type { ChainedEvent, ChainVerdict } from "../../src/access/audit-event.ts";
import type { AccessEntry, AssociatedPolicy, AuthenticationMode } from "../aws/eks-cluster.ts";
import type { EntryInForce } from "../aws/eks-clusters.ts";
import type { ConfigMap } from "../cluster/config-map.ts";
import type { SandboxCall } from "../http-server.ts";
import type { KubectlAnswer } from "../sandbox.ts";
import { hidden } from "./blocks/controls.ts";
import { addressOf, type Viewer } from "./conversation.ts";
import { attributes, type Content, type Html, html, nothing } from "./html.ts";

const unreachable = html`<p class="empty">Redis does not answer. Nothing is lost: it is shown again as soon as Redis is back.</p>`;

/** A part of the page's right side. `note` is beside the title; `act` acts on the whole panel. */
function panel(
  { id, title, note, act }: { id: string; title: string; note?: Content; act?: Content },
  content: Content,
): Html {
  return html`<section class="panel" id="panel-${id}" aria-labelledby="panel-${id}-title">
    <header><h2 id="panel-${id}-title">${title}</h2><p class="note">${note}</p>${act}</header>
    ${content}
  </section>`;
}

/** How long ago, in words that seldom change: a screen reader can't use a new text each second. */
function ago(at: Date, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - at.getTime()) / 1000));
  if (seconds < 10) return "just now";
  if (seconds < 60) return "less than a minute ago";
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`;
}

export function clustersNav(viewer: Viewer, names: readonly string[]): Html {
  if (names.length < 2) return nothing;
  const item = (name: string) =>
    html`<li><a href="${addressOf(viewer.as.id, viewer.place, name)}" data-go="at"${attributes({ "aria-current": name === viewer.at ? "true" : undefined })}>${name}</a></li>`;
  return html`<nav class="clusters" aria-label="Clusters"><ul>${names.map(item)}</ul></nav>`;
}

export type NumberedCall = SandboxCall & { readonly number: number };

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

export interface KubectlState {
  readonly user: string;
  readonly name: string;
  readonly arn: string;
  readonly answer: KubectlAnswer | undefined;
  /** How often the answer changed between yes and no, to show a change. */
  readonly turns: number;
}

export function kubectlPanel(cluster: string, states: readonly KubectlState[]): Html {
  const again = html`<form method="post" action="/act/kubectl" data-act>${hidden({ at: cluster })}<button class="button small">Run again</button></form>`;
  return panel(
    { id: "kubectl", title: "kubectl get pods", note: "With a new token after each change of access.", act: again },
    html`<ul class="terminals">${states.map(terminal)}</ul>`,
  );
}

function terminal({ user, name, arn, answer, turns }: KubectlState): Html {
  const verdict = answer === undefined ? "waiting" : answer.ok ? "may" : "may-not";
  const said = { waiting: "not yet run", may: "has access", "may-not": "no access" }[verdict];
  return html`<li class="terminal ${verdict}" id="kubectl-${user}" data-edits="${turns}">
    <h3>${name} <span class="verdict">${said}</span></h3>
    <p class="arn">${arn}</p>
    <pre tabindex="0" aria-label="kubectl get pods as ${name}"><code>${answer?.output ?? "…"}</code></pre>
  </li>`;
}

export interface DocumentState {
  readonly now: ConfigMap | null;
  readonly before: ConfigMap | null;
  readonly last: { readonly by: string; readonly at: Date } | null;
}

/** The lines of a ConfigMap in `kubectl get -o yaml`, without those that change at each write. */
export function linesOf(configMap: ConfigMap | null): readonly string[] {
  if (!configMap) return [];
  const notes = Object.entries(configMap.metadata.annotations ?? {});
  return [
    ...(notes.length > 0 ? ["annotations:", ...notes.map(([name, value]) => `  ${name}: ${shorten(value, 120)}`)] : []),
    "data:",
    ...Object.entries(configMap.data ?? {}).flatMap(([name, text]) => [
      `  ${name}: |`,
      ...text
        .replace(/\n$/, "")
        .split("\n")
        .map((line) => `    ${line}`),
    ]),
  ];
}

/** A sealed annotation or tag is one long line. */
function shorten(value: string, most: number): string {
  return value.length > most ? `${value.slice(0, most - 1)}…` : value;
}

export function documentPanel({ now, before, last }: DocumentState, at: Date): Html {
  const changes = diffArrays([...linesOf(before ?? now)], [...linesOf(now)]);
  const lines = changes.flatMap(({ added, removed, value }) => value.map((line) => lineOf(line, added, removed)));
  const note = last
    ? html`Last change by <b>${last.by}</b>, ${ago(last.at, at)}. Version ${now?.metadata.resourceVersion ?? "none"}.`
    : html`No changes yet. Version ${now?.metadata.resourceVersion ?? "none"}.`;
  return panel(
    { id: "aws-auth", title: "aws-auth", note },
    now
      ? html`<pre class="document" tabindex="0" aria-label="aws-auth"><code>${lines}</code></pre>`
      : html`<p class="empty">There is no ConfigMap aws-auth.</p>`,
  );
}

function lineOf(text: string, isAdded: boolean, isRemoved: boolean): Content {
  if (isAdded) return html`<ins><span class="quiet">added: </span>${text}\n</ins>`;
  if (isRemoved) return html`<del><span class="quiet">removed: </span>${text}\n</del>`;
  return `${text}\n`;
}

export interface TroubleState {
  readonly id: string;
  readonly title: string;
  readonly explains: string;
  /** `armed` waits for its call; `on` lasts until you end it. */
  readonly state: "off" | "armed" | "on";
  readonly struck: number;
  readonly does: string;
  readonly undoes: string;
  readonly blocked: string | undefined;
}

export interface ProcessState {
  readonly name: string;
  readonly pid: number;
  readonly state: "running" | "starting" | "gone";
  readonly starts: number;
}

export function troublesPanel(troubles: readonly TroubleState[], processes: readonly ProcessState[]): Html {
  return panel(
    { id: "troubles", title: "Try to break it", note: "Each of these is real, and the product gets no hint." },
    html`<ul class="processes" aria-label="Processes">${processes.map(process)}</ul><ul class="troubles">${troubles.map(trouble)}</ul>`,
  );
}

function process({ name, pid, state, starts }: ProcessState): Html {
  const said = state === "running" ? `running, pid ${pid}` : state === "starting" ? "starting" : "not running";
  return html`<li class="${state}"><b>${name}</b> ${said}${starts > 1 && `, started ${starts} times`}</li>`;
}

function trouble({ id, title, explains, state, struck, does, undoes, blocked }: TroubleState): Html {
  const off = state === "off";
  const act = off ? does : undoes;
  const said = [
    state === "armed" && "waiting for its moment",
    state === "on" && "in force",
    struck > 0 && (struck === 1 ? "struck once" : `struck ${struck} times`),
  ].filter((each) => each !== false);
  return html`<li class="trouble ${state}" id="trouble-${id}">
    <div><h3>${title}${said.length > 0 && html` <span class="verdict">${said.join(", ")}</span>`}</h3><p id="trouble-${id}-text">${blocked ?? explains}</p></div>
    <form method="post" action="/act/trouble" data-act>${hidden({ trouble: id, does: off ? "start" : "stop" })}
      <button class="button ${off ? "danger" : "plain"}" aria-label="${act} (${title})" aria-describedby="trouble-${id}-text"${attributes({ disabled: blocked !== undefined })}>${act}</button>
    </form>
  </li>`;
}

/** What Redis has of the product; null: Redis does not answer. */
export interface LedgerState {
  readonly verdict: ChainVerdict;
  readonly events: readonly ChainedEvent[];
}

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

export interface EntriesState {
  readonly mode: AuthenticationMode;
  readonly entries: readonly { readonly entry: AccessEntry; readonly inForce: EntryInForce | undefined }[];
}

const notes: Readonly<Record<AuthenticationMode, string>> = {
  CONFIG_MAP: "",
  API_AND_CONFIG_MAP: "Mode API_AND_CONFIG_MAP: an entry overrides aws-auth.",
  API: "Mode API: only these get in.",
};

export function entriesPanel({ mode, entries }: EntriesState): Html {
  const rows = entries.map(({ entry, inForce }) => entryRow(entry, inForce));
  return panel(
    { id: "entries", title: "Access entries", note: notes[mode] },
    rows.length > 0
      ? html`<ul class="entries">${rows}</ul>`
      : html`<p class="empty">This cluster has no access entries.</p>`,
  );
}

function entryRow(entry: AccessEntry, inForce: EntryInForce | undefined): Html {
  const { principalArn, type, username, groups, policies, tags, modifiedAt } = entry;
  const waiting = !inForce || !isAsIn(entry, inForce);
  const facts: readonly (readonly [name: string, value: string])[] = [
    ["username", username],
    ...(groups.length > 0 ? [["groups", groups.join(", ")] as const] : []),
    ...policies.map((policy) => ["policy", policyText(policy)] as const),
    ...Object.entries(tags).map(([key, value]) => [key, shorten(value, 100)] as const),
  ];
  const key = principalArn.replace(/[^\w-]/g, "-");
  return html`<li class="entry" id="entry-${key}" data-edits="${modifiedAt.getTime()}">
    <h3>${principalArn} <span class="verdict">${type}</span>${waiting && html` <span class="verdict">not in force yet</span>`}</h3>
    <dl>${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
  </li>`;
}

function isAsIn(entry: AccessEntry, inForce: EntryInForce): boolean {
  const given = ({ username, groups, policies }: EntryInForce | AccessEntry) =>
    JSON.stringify([username, groups, policies.map(policyText)]);
  return given(entry) === given(inForce);
}

function policyText({ policyArn, namespaces }: AssociatedPolicy): string {
  const name = policyArn.split("/").at(-1) ?? policyArn;
  return namespaces === null ? `${name}, whole cluster` : `${name}, in ${namespaces.join(", ")}`;
}
