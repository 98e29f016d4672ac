import { commands } from "../../../src/slack/app/commands.ts";
import { arns, clusterName } from "../../scene.ts";
import { hidden } from "../blocks/controls.ts";
import { type Html, html, nothing } from "../html.ts";
import { home, type Viewer } from "./conversation.ts";

const form: Example = { label: "Ask for access with the form", line: "/eks-access request" };

const help: Example = { label: "What can I type?", line: "/eks-access help" };

const creator: Example = { label: "Who created the cluster?", line: `/eks-access creator ${clusterName}` };

const whoAmI: Example = { label: "Who am I?", line: "/eks-access whoami" };

const twoMinutes = (arn: string): Example => ({
  label: "Ask in one line, for two minutes",
  line: `/eks-access request ${clusterName} ${arn} viewer for 2m look into the failing rollout`,
});

const forEngineer: Example = {
  label: "Ask for the engineer",
  line: `/eks-access request ${clusterName} ${arns.engineer} viewer for @engineer for 2m take over the incident`,
};

const ofRole: Example = {
  label: "Ask for a role that the worker can sign in as",
  line: `/eks-access request ${clusterName} ${arns.developers} viewer for 2m look at the shop as a team`,
};

const typo: Example = {
  label: "Ask with mistakes",
  line: `/eks-access request stagging arn:aws:sts::111122223333:assumed-role/developers/me viewr for 9h debug`,
};

/** Whole lines for the account's roles, so that no one types an ARN. */
const completed = [arns.developers, arns.admins].flatMap((arn) =>
  [`request ${clusterName} ${arn} viewer for 2m `, `why ${clusterName} ${arn}`].map((line) => `/eks-access ${line}`),
);

export interface Example {
  readonly label: string;
  readonly line: string;
}

/** The input line. The browser completes the bot's own commands, which Slack does not. */
export function composer(viewer: Viewer, title: string, examples: readonly Example[]): Html {
  if (viewer.place === home) return nothing;
  const chips = examples.map(
    ({ label, line }) => html`<li><button type="button" class="chip" data-line="${line}">${label}</button></li>`,
  );
  return html`<ul class="examples" aria-label="Things to try as ${viewer.as.name}">${chips}</ul>
  <form class="composer" method="post" action="/act/command" data-act data-composer>
    ${hidden({ as: viewer.as.id, in: viewer.place })}
    <input name="text" id="line" type="text" list="commands" autocomplete="off" spellcheck="false" autocapitalize="off"
      placeholder="Type /eks-access as ${viewer.as.name}" aria-label="Message in ${title} as ${viewer.as.name}">
    <datalist id="commands">${commands.map(({ word, summary }) => html`<option value="/eks-access ${word}">${summary}</option>`)}${completed.map((line) => html`<option value="${line}">A role</option>`)}</datalist>
    <button class="button primary" aria-label="Send">Send</button>
  </form>`;
}

/** Lines to try as this person. */
export function examplesFor({ as }: Viewer): readonly Example[] {
  if (as.id === "U0ENGINEER") return [form, twoMinutes(arns.engineer), ofRole, typo, whoAmI];
  if (as.id === "U0ONCALL") return [creator, twoMinutes(arns.onCall), forEngineer, help];
  return [creator, help];
}
