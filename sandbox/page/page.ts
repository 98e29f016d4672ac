import { conversation, home, type Viewer } from "./conversation.ts";
import { entriesPanel } from "./entries.ts";
import { composer, examplesFor, homeTab, modal, peopleSwitch, placesNav, titleOf } from "./frame.ts";
import { type Html, html, nothing } from "./html.ts";
import { type LivePage, watchOf } from "./live/live-page.ts";
import { conversationIn, readerOf } from "./live/page-state.ts";
import type { ClusterWatch } from "./live/watches.ts";
import { auditPanel, callsPanel, clustersNav, documentPanel, kubectlPanel, troublesPanel } from "./panels.ts";
import { tourCard, tourOffer } from "./tour-card.ts";

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
  return {
    clusters: clustersNav(viewer, [...clusters.keys()]),
    access: accessPanels(shown),
    kubectl: kubectlPanel(shown.name, shown.kubectl.states()),
    troubles: troublesPanel(
      troubles.map((each) => each.state()),
      [live.slack.state(), live.worker.state()],
    ),
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
