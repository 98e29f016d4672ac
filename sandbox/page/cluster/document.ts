import { diffArrays } from "diff";
import type { ConfigMap } from "../../cluster/config-map.ts";
import { type Content, type Html, html } from "../html.ts";
import { ago, panel } from "./panel.ts";

/** `aws-auth` as it is, as it was before the last write, and whose write that was. */
export interface DocumentState {
  readonly now: ConfigMap | null;
  readonly before: ConfigMap | null;
  /** Null until somebody writes. */
  readonly last: { readonly by: string; readonly at: Date } | null;
}

/** The lines of a ConfigMap as `kubectl get -o yaml` has them, without what changes at each write. */
export function linesOf(configMap: ConfigMap | null): readonly string[] {
  if (!configMap) return [];
  const notes = Object.entries(configMap.metadata.annotations ?? {});
  return [
    ...(notes.length > 0 ? ["annotations:", ...notes.map(([name, value]) => `  ${name}: ${shorten(value)}`)] : []),
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

/** An annotation is one long line of JSON with a seal. */
function shorten(value: string): string {
  return value.length > 120 ? `${value.slice(0, 119)}…` : value;
}

export function documentPanel({ now, before, last }: DocumentState, at: Date): Html {
  const changes = diffArrays([...linesOf(before ?? now)], [...linesOf(now)]);
  const lines = changes.flatMap(({ added, removed, value }) => value.map((line) => lineOf(line, added, removed)));
  const note = last
    ? html`Last change by <b>${last.by}</b>, ${ago(last.at, at)}. Version ${now?.metadata.resourceVersion ?? "none"}.`
    : html`Nobody has changed it yet. Version ${now?.metadata.resourceVersion ?? "none"}.`;
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
