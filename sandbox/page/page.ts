import { composer } from "./chat/composer.ts";
import { conversation } from "./chat/conversation.ts";
import { examplesFor } from "./chat/examples.ts";
import { peopleSwitch, placesNav, titleOf } from "./chat/frame.ts";
import { homeTab, modal } from "./chat/view.ts";
import { home, type Viewer } from "./chat/viewer.ts";
import { callsPanel } from "./cluster/calls.ts";
import { clustersNav } from "./cluster/clusters.ts";
import { documentPanel } from "./cluster/document.ts";
import { entriesPanel } from "./cluster/entries.ts";
import { kubectlPanel } from "./cluster/kubectl.ts";
import { auditPanel, queuePanel } from "./cluster/ledger.ts";
import { troublesPanel } from "./cluster/troubles.ts";
import { type Html, html, nothing } from "./html.ts";
import type { ClusterWatch } from "./stage/cluster-watch.ts";
import { conversationIn, readerOf } from "./stage/page-state.ts";
import { type Theatre, watchOf } from "./stage/theatre.ts";

/** The parts of the page that change, by the id of the element that holds them. */
export type Regions = Readonly<Record<string, Html>>;

/** Everything that a viewer sees now. */
export function regionsFor(theatre: Theatre, viewer: Viewer): Regions {
  return { ...chatRegions(theatre, viewer), ...clusterRegions(theatre, viewer) };
}

function chatRegions({ stage, seen }: Theatre, viewer: Viewer): Regions {
  const { slack } = stage.sandbox;
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
        : conversation(conversationIn(slack, viewer.as.id, viewer.place), reader, title),
    composer: composer(viewer, title, examplesFor(viewer)),
    modal: view ? modal(view, reader) : nothing,
  };
}

function clusterRegions({ stage, clusters, ledger, troubles }: Theatre, viewer: Viewer): Regions {
  const { people } = stage.sandbox.slack;
  const nameOf = (user: string) => people.find(({ id }) => id === user)?.name ?? user;
  const ledgerState = ledger.state();
  const shown = watchOf(clusters, viewer.at);
  return {
    clusters: clustersNav(viewer, [...clusters.keys()]),
    access: accessPanels(shown),
    kubectl: kubectlPanel(shown.name, shown.kubectl.states()),
    troubles: troublesPanel(
      troubles.map((each) => each.state()),
      [stage.slack.state(), stage.worker.state()],
    ),
    audit: auditPanel(ledgerState, nameOf),
    queue: queuePanel(ledgerState),
    calls: callsPanel(stage.calls()),
  };
}

/** What lets people in, in the mode of the cluster. */
function accessPanels({ document, entries }: ClusterWatch): Html {
  const state = entries();
  return html`${state.mode !== "CONFIG_MAP" && entriesPanel(state)}${state.mode !== "API" && documentPanel(document.state(), new Date())}`;
}
