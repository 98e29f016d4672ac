import { commands } from "../../src/slack/app/commands.ts";
import { textAt } from "../json.ts";
import { alice, arns, clusterName, developerArn } from "../scene.ts";
import type { SandboxChannel, SandboxUser, SandboxView } from "../slack/inputs.ts";
import { hidden } from "./blocks/controls.ts";
import { type Reader, wordsOf } from "./blocks/mrkdwn.ts";
import { addressOf, blocks, conversation, direct, home, type Viewer } from "./conversation.ts";
import { attributes, type Html, html, nothing } from "./html.ts";
import { conversationIn, type LivePage, readerOf, watchOf } from "./live/live-page.ts";
import type { ClusterWatch } from "./live/watches.ts";
import {
  auditPanel,
  callsPanel,
  clustersNav,
  documentPanel,
  entriesPanel,
  kubectlPanel,
  troublesPanel,
} from "./panels.ts";
import { tourCard, tourOffer } from "./tour-card.ts";

type Unread = (user: string, place: string) => number;

export function peopleSwitch(viewer: Viewer, people: readonly SandboxUser[], unread: Unread): Html {
  const item = ({ id, name }: SandboxUser) => {
    const waiting = unread(id, direct);
    return html`<li><a href="${addressOf(id, viewer.place, viewer.at)}" data-go="as"${attributes({ "aria-current": id === viewer.as.id ? "true" : undefined })}>
      <span class="avatar ${name}" aria-hidden="true">${initials(name)}</span>${name}${badge(waiting)}</a></li>`;
  };
  return html`<nav class="people" aria-label="Who I am"><ul>${people.map(item)}</ul></nav>`;
}

function initials(name: string): string {
  return name
    .split("-")
    .map((word) => word[0] ?? "")
    .join("");
}

function badge(count: number): Html | false {
  return (
    count > 0 &&
    html` <span class="badge"><span aria-hidden="true">${count}</span><span class="quiet">, ${count} new</span></span>`
  );
}

export function placesNav(viewer: Viewer, channels: readonly SandboxChannel[], unread: Unread): Html {
  const user = viewer.as.id;
  const item = (place: string, name: Html | string) => {
    const here = place === viewer.place;
    return html`<li><a href="${addressOf(user, place, viewer.at)}" data-go="in"${attributes({ "aria-current": here ? "page" : undefined })}>${name}${!here && badge(unread(user, place))}</a></li>`;
  };
  const open = channels.filter(({ directWith, members }) => directWith === undefined && members.includes(user));
  return html`<nav class="places" aria-label="Channels and messages">
    <h2>Channels</h2><ul>${open.map(({ id, name }) => item(id, `# ${name}`))}</ul>
    <h2>Apps</h2><ul>${item(direct, "eks-access")}${item(home, html`<span><span class="of">eks-access: </span>Home</span>`)}</ul>
  </nav>`;
}

function titleOf(place: string, channels: readonly SandboxChannel[]): string {
  if (place === direct) return "direct messages with eks-access";
  if (place === home) return "the Home tab of eks-access";
  return `#${channels.find(({ id }) => id === place)?.name ?? place}`;
}

export function modal(view: SandboxView, reader: Reader): Html {
  const id = `view-${view.id}`;
  const form = `${id}-form`;
  const address = { as: reader.user.id, view: view.id };
  const surface = { reader, id, address, inputs: view.inputs, errors: view.errors, form };
  const submit = wordsOf(view.json.submit) || (view.blocks.some(({ type }) => type === "input") ? "Submit" : "");
  const close = (button: Html) =>
    html`<form method="post" action="/act/close" data-act>${hidden(address)}${button}</form>`;
  return html`<dialog class="modal" id="${id}" data-modal aria-labelledby="${id}-title">
    <header><h2 id="${id}-title">${view.title}</h2>${close(html`<button class="icon" aria-label="Close this form">×</button>`)}</header>
    <div class="content" data-fills="${form}">${blocks(view.blocks, surface)}</div>
    <footer>
      ${close(html`<button class="button plain">${wordsOf(view.json.close) || "Cancel"}</button>`)}
      <form method="post" action="/act/submit" id="${form}" data-act novalidate>${hidden(address)}
        ${submit && html`<button class="button primary">${submit}</button>`}
      </form>
    </footer>
  </dialog>`;
}

export function homeTab(view: SandboxView | undefined, reader: Reader): Html {
  if (!view) {
    return html`<div class="home"><p class="empty">The app shows nothing here. Its messages are in the channel and in the direct messages.</p></div>`;
  }
  const address = { as: reader.user.id, view: view.id };
  const surface = { reader, id: `view-${view.id}`, address, inputs: view.inputs, errors: {} };
  const title = textAt(view, "title");
  return html`<div class="home" role="region" aria-label="${title || "Home"}" tabindex="0" data-edits="${view.updates}">${blocks(view.blocks, surface)}</div>`;
}

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

const ofPerson: Example = {
  label: "Ask for one person of Identity Center",
  line: `/eks-access request ${clusterName} ${developerArn(alice)} reader in default for 2m look at one namespace`,
};

const typo: Example = {
  label: "Ask with mistakes",
  line: `/eks-access request stagging arn:aws:sts::111122223333:assumed-role/developers/me viewr for 9h debug`,
};

/** Whole lines for the account's roles, so that no one types an ARN. */
const completed = [arns.developers, arns.admins].flatMap((arn) =>
  [`request ${clusterName} ${arn} viewer for 2m `, `why ${clusterName} ${arn}`].map((line) => `/eks-access ${line}`),
);

type Example = { readonly label: string; readonly line: string };

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

function examplesFor({ as }: Viewer): readonly Example[] {
  if (as.id === "U0ENGINEER") return [form, twoMinutes(arns.engineer), ofRole, ofPerson, typo, whoAmI];
  if (as.id === "U0ONCALL") return [creator, twoMinutes(arns.onCall), forEngineer, help];
  return [creator, help];
}

export type Regions = Readonly<Record<string, Html>>;

export function regionsFor(livePage: LivePage, viewer: Viewer): Regions {
  const tour = { tour: tourCard(livePage, viewer), offer: tourOffer(livePage) };
  return { ...chatRegions(livePage, viewer), ...clusterRegions(livePage, viewer), ...tour };
}

function chatRegions({ live, seen }: LivePage, viewer: Viewer): Regions {
  const { slack } = live.sandbox;
  const reader = readerOf(slack, viewer);
  const title = titleOf(viewer.place, slack.channels());
  const person = slack.person(viewer.as.id);
  const view = person.view();
  return {
    who: peopleSwitch(viewer, slack.people, seen.unread),
    places: placesNav(viewer, slack.channels(), seen.unread),
    title: html`<h2>${title}</h2>`,
    messages:
      viewer.place === home
        ? homeTab(person.home(), reader)
        : conversation(conversationIn(slack, viewer.as.id, viewer.place), reader, title, viewer.place),
    composer: composer(viewer, title, examplesFor(viewer)),
    modal: view ? modal(view, reader) : nothing,
  };
}

function clusterRegions({ live, clusters, ledger, troubles }: LivePage, viewer: Viewer): Regions {
  const { people } = live.sandbox.slack;
  const nameOf = (user: string) => people.find(({ id }) => id === user)?.name ?? user;
  const shown = watchOf(clusters, viewer.at);
  const states = troubles.map((each) => each.state());
  return {
    clusters: clustersNav(viewer, [...clusters.keys()]),
    access: accessPanels(shown),
    kubectl: kubectlPanel(shown.name, shown.kubectl.states()),
    troubles: troublesPanel(states, [live.slack.state(), live.worker.state()]),
    audit: auditPanel(ledger.state(), nameOf),
    calls: callsPanel(live.calls()),
  };
}

function accessPanels({ document, entries }: ClusterWatch): Html {
  const state = entries();
  return html`${state.mode !== "CONFIG_MAP" && entriesPanel(state)}${state.mode !== "API" && documentPanel(document.state(), new Date())}`;
}

export function layout(regions: Regions): Html {
  const region = (id: string) => html`<div id="${id}">${regions[id]}</div>`;
  return html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>eks-access sandbox</title>
  <link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/assets/page.css">
  <link rel="stylesheet" href="/assets/chat.css">
  <link rel="stylesheet" href="/assets/blocks.css">
  <link rel="stylesheet" href="/assets/forms.css">
  <link rel="stylesheet" href="/assets/cluster.css">
  <link rel="stylesheet" href="/assets/tour.css">
  <script type="module" src="/assets/page.js"></script>
</head>
<body>
  <a class="skip" href="#composer">Skip to the message field</a>
  <header class="top">
    <h1 class="brand">eks-access <span>sandbox</span></h1>
    ${region("who")}
    ${region("offer")}
    <p id="connection" role="status"></p>
  </header>
  <noscript><p class="empty">This page needs JavaScript: it shows what happens while it happens.</p></noscript>
  ${region("tour")}
  <nav class="tabs" aria-label="Parts of the page"><a href="#chat">Chat</a><a href="#cluster">Cluster</a></nav>
  <main>
    <section id="chat" aria-label="Chat">
      ${region("places")}
      <div class="channel">${region("title")}${region("messages")}<div id="composer" tabindex="-1">${regions.composer}</div></div>
    </section>
    <section id="cluster" aria-label="Cluster" tabindex="-1">
      <div class="panels">${["clusters", "access", "kubectl", "troubles", "audit", "calls"].map(region)}</div>
    </section>
  </main>
  ${region("modal")}
  <div id="toasts" role="alert"></div>
</body>
</html>`;
}
