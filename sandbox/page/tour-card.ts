import { clusterName } from "../scene.ts";
import { textOf } from "../slack/message-content.ts";
import { hidden } from "./blocks/controls.ts";
import type { Viewer } from "./conversation.ts";
import { type Html, html, nothing } from "./html.ts";
import type { LivePage } from "./live/live-page.ts";
import { inFront, stepNow, type TourBegin, type TourFacts, type TourStep, tourSteps } from "./tour.ts";

export function tourOffer({ tour }: Pick<LivePage, "tour">): Html {
  const { began, isOpen } = tour.state();
  return isOpen ? nothing : act("open", began ? "Continue the tour" : "Take the tour", "primary");
}

export function tourCard(livePage: LivePage, viewer: Viewer): Html {
  const { began, isOpen, seen } = livePage.tour.state();
  if (!began || !isOpen) return nothing;
  const facts = factsSince(livePage, began);
  const step = stepNow(facts, seen);
  if (!step) return card(ending, html`${act("finish", "Finish", "primary")}${showing}`);
  const { id, title, text, line } = step;
  const points = [...inFront, ...step.points(viewer)];
  const head = html`<span class="step">Step ${tourSteps.indexOf(step) + 1} of ${tourSteps.length}</span> ${title}`;
  return card(
    { id, head, text, points },
    html`${line !== undefined && html`<button type="button" class="button primary" data-line="${line}">Write it for me</button>`}${step.isToSee && seeing(step, step.isDone(facts))}${showing}${act("leave", "Leave", "plain")}`,
  );
}

const ending = {
  id: "end",
  head: "The end",
  text: "You have seen a request, an emergency and a diagnosis. Now try to break it: each step holds, whatever fails in it.",
  points: [...inFront, "#panel-troubles-title"],
};

const showing = html`<button type="button" class="button plain" data-shows>Show me where</button>`;

function seeing({ id }: TourStep, isThere: boolean): Html {
  return isThere
    ? act("see", "Next", "primary", id)
    : html`<span class="waits">Not yet: it takes a few seconds.</span>`;
}

function card(
  { id, head, text, points }: { id: string; head: Html | string; text: string; points: readonly string[] },
  buttons: Html,
): Html {
  return html`<section class="tour" aria-labelledby="tour-title" data-step="${id}" data-points="${JSON.stringify(points)}">
    <div role="status"><h2 id="tour-title">${head}</h2><p>${text}</p></div>
    <div class="buttons">${buttons}</div>
  </section>`;
}

function act(does: string, label: string, style: string, step = ""): Html {
  return html`<form method="post" action="/act/tour" data-act>${hidden({ does, step })}<button class="button small ${style}">${label}</button></form>`;
}

function factsSince({ ledger, clusters, live }: LivePage, { sequence, at }: TourBegin): TourFacts {
  const asked = live.sandbox.slack.person("U0ENGINEER").ephemerals();
  const states = clusters.get(clusterName)?.kubectl.states() ?? [];
  return {
    events: ledger.events().flatMap((each) => (each.sequence > sequence ? [each.event] : [])),
    kubectlWorks: states.some(({ user, answer }) => user === "U0ENGINEER" && answer?.ok === true),
    answers: asked.filter(({ ts }) => Number(ts) * 1000 > at).map(textOf),
  };
}
