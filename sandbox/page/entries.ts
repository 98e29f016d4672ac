import type { AccessEntry, AssociatedPolicy, AuthenticationMode } from "../aws/eks-cluster.ts";
import type { EntryInForce } from "../aws/eks-clusters.ts";
import { type Html, html } from "./html.ts";
import { panel } from "./panels.ts";

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
  const rows = entries.map(({ entry, inForce }) => row(entry, inForce));
  return panel(
    { id: "entries", title: "Access entries", note: notes[mode] },
    rows.length > 0
      ? html`<ul class="entries">${rows}</ul>`
      : html`<p class="empty">This cluster has no access entries.</p>`,
  );
}

function row(entry: AccessEntry, inForce: EntryInForce | undefined): Html {
  const { principalArn, type, username, groups, policies, tags, modifiedAt } = entry;
  const waiting = !inForce || !isAsIn(entry, inForce);
  const facts: readonly (readonly [name: string, value: string])[] = [
    ["username", username],
    ...(groups.length > 0 ? [["groups", groups.join(", ")] as const] : []),
    ...policies.map((policy) => ["policy", policyText(policy)] as const),
    ...Object.entries(tags).map(([key, value]) => [key, shorten(value)] as const),
  ];
  const key = principalArn.replace(/[^\w-]/g, "-");
  return html`<li class="entry" id="entry-${key}" data-edits="${modifiedAt.getTime()}">
    <h3>${principalArn} <span class="verdict">${type}</span>${waiting && html` <span class="verdict">not in force yet</span>`}</h3>
    <dl>${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
  </li>`;
}

function isAsIn({ username, groups, policies }: AccessEntry, inForce: EntryInForce): boolean {
  const now = policies.map(({ policyArn, namespaces }) => ({ arn: policyArn, namespaces }));
  return (
    JSON.stringify([username, groups, now]) === JSON.stringify([inForce.username, inForce.groups, inForce.policies])
  );
}

function policyText({ policyArn, namespaces }: AssociatedPolicy): string {
  const name = policyArn.split("/").at(-1) ?? policyArn;
  return namespaces === null ? `${name}, whole cluster` : `${name}, in ${namespaces.join(", ")}`;
}

function shorten(value: string): string {
  return value.length > 100 ? `${value.slice(0, 99)}…` : value;
}
