import type { KubectlAnswer } from "../../kubectl.ts";
import { hidden } from "../blocks/buttons.ts";
import { type Html, html } from "../html.ts";
import { panel } from "./panel.ts";

/** What `kubectl get pods` said to one of the people last. */
export interface KubectlState {
  readonly user: string;
  readonly name: string;
  readonly arn: string;
  /** Undefined until it ran. */
  readonly answer: KubectlAnswer | undefined;
  /** How often the answer changed between yes and no: a change is shown. */
  readonly turns: number;
}

export function kubectlPanel(cluster: string, states: readonly KubectlState[]): Html {
  const again = html`<form method="post" action="/act/kubectl" data-act>${hidden({ at: cluster })}<button class="button small">Run again</button></form>`;
  return panel(
    {
      id: "kubectl",
      title: "kubectl get pods",
      note: "With a new token each time, after each change of who is let in.",
      act: again,
    },
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
