import { hidden } from "../blocks/buttons.ts";
import { attributes, type Html, html } from "../html.ts";
import { panel } from "./panel.ts";

/** Something that one can do to the product, to see that it holds. */
export interface TroubleState {
  readonly id: string;
  readonly title: string;
  /** What happens then, in one sentence. */
  readonly explains: string;
  /** `armed` waits for the call that it strikes; `on` lasts until it is taken back. */
  readonly state: "off" | "armed" | "on";
  /** How often it struck. */
  readonly struck: number;
  /** What the button says, and what it says to take it back. */
  readonly does: string;
  readonly undoes: string;
  /** Why it can't be done now, where it can't. */
  readonly blocked: string | undefined;
}

/** One of the product's two processes. */
export interface ProcessState {
  readonly name: string;
  readonly pid: number;
  readonly state: "running" | "starting" | "gone";
  /** How often it was started. */
  readonly starts: number;
}

export function troublesPanel(troubles: readonly TroubleState[], processes: readonly ProcessState[]): Html {
  return panel(
    { id: "troubles", title: "Try to break it", note: "Each of these is real: the product is not told." },
    html`<ul class="processes" aria-label="Processes">${processes.map(process)}</ul><ul class="troubles">${troubles.map(trouble)}</ul>`,
  );
}

function process({ name, pid, state, starts }: ProcessState): Html {
  const said = state === "running" ? `running, pid ${pid}` : state === "starting" ? "starting" : "not running";
  return html`<li class="${state}"><b>${name}</b> ${said}${starts > 1 && `, started ${starts} times`}</li>`;
}

function trouble({ id, title, explains, state, struck, does, undoes, blocked }: TroubleState): Html {
  const off = state === "off";
  const said = [
    state === "armed" && "waiting for its moment",
    state === "on" && "in force",
    struck > 0 && (struck === 1 ? "struck once" : `struck ${struck} times`),
  ].filter((each) => each !== false);
  return html`<li class="trouble ${state}" id="trouble-${id}">
    <div><h3>${title}${said.length > 0 && html` <span class="verdict">${said.join(", ")}</span>`}</h3><p id="trouble-${id}-text">${blocked ?? explains}</p></div>
    <form method="post" action="/act/trouble" data-act>${hidden({ trouble: id, does: off ? "start" : "stop" })}
      <button class="button ${off ? "danger" : "plain"}" aria-describedby="trouble-${id}-text"${attributes({ disabled: blocked !== undefined })}>${off ? does : undoes}</button>
    </form>
  </li>`;
}
