import { hidden } from "../blocks/buttons.ts";
import { type Html, html, nothing } from "../html.ts";
import { home, type Viewer } from "./viewer.ts";

/** One thing to type that makes sense for this person. */
export interface Example {
  readonly label: string;
  readonly line: string;
}

/** Where one types. The list of completions is filled while one types; see assets/composer.js. */
export function composer(viewer: Viewer, title: string, examples: readonly Example[]): Html {
  if (viewer.place === home) return nothing;
  const chips = examples.map(
    ({ label, line }) => html`<li><button type="button" class="chip" data-line="${line}">${label}</button></li>`,
  );
  return html`<ul class="examples" aria-label="Things to try as ${viewer.as.name}">${chips}</ul>
  <form class="composer" method="post" action="/act/command" data-act data-composer>
    ${hidden({ as: viewer.as.id, in: viewer.place })}
    <ul id="completions" role="listbox" aria-label="Completions" hidden></ul>
    <input name="text" id="line" type="text" autocomplete="off" spellcheck="false" autocapitalize="off"
      placeholder="Type /eks-access as ${viewer.as.name}" aria-label="Message in ${title} as ${viewer.as.name}"
      role="combobox" aria-expanded="false" aria-controls="completions" aria-autocomplete="list">
    <button class="button primary" aria-label="Send">Send</button>
  </form>`;
}
