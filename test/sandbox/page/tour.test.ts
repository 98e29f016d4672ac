import { afterAll, beforeAll, expect, test } from "vitest";
import type { LivePage } from "../../../sandbox/page/live/live-page.ts";
import { stepNow, type TourFacts, tourSteps } from "../../../sandbox/page/tour.ts";
import { tourCard, tourOffer } from "../../../sandbox/page/tour-card.ts";
import { channel } from "../../../sandbox/scene.ts";
import { aLivePage } from "./a-live-page.ts";
import { engineer } from "./a-reader.ts";

type Happened = TourFacts["events"][number];

const asked: Happened = { type: "request.created", actor: "U0ENGINEER", request: "r-1" };
const approved: Happened = { type: "request.approved", actor: "U0APPROVER", request: "r-1" };
const active: Happened = { type: "lease.active", actor: "worker", request: "r-1" };
const ended: Happened = { type: "lease.ended", actor: "worker", request: "r-1" };
const taken: Happened = { type: "emergency.taken", actor: "U0ONCALL", request: "r-2" };
const reviewed: Happened = { type: "emergency.reviewed", actor: "U0APPROVER", request: "r-2" };

const facts = (events: readonly Happened[], change: Partial<TourFacts> = {}): TourFacts => ({
  events,
  kubectlWorks: false,
  answers: [],
  ...change,
});
const step = (known: TourFacts, seen: readonly string[] = []) => stepNow(known, seen)?.id ?? null;

let livePage: LivePage;
beforeAll(async () => {
  livePage = await aLivePage();
});
afterAll(() => livePage.stop());

test("each step is done by what happened, in the order of the story", () => {
  const toSeen = ["works", "gone"];
  const all = [asked, approved, active, ended, taken, reviewed];
  const answers = ["staging ✗ first failing step: you"];

  const reached = [
    step(facts([])),
    step(facts([asked])),
    step(facts([asked, approved])),
    step(facts([asked, approved, active], { kubectlWorks: true }), ["works"]),
    step(facts([asked, approved, active, ended]), ["works"]),
    step(facts([asked, approved, active, ended]), toSeen),
    step(facts([asked, approved, active, ended, taken]), toSeen),
    step(facts(all), toSeen),
  ];

  expect(reached).toEqual(tourSteps.map(({ id }) => id));
  expect(step(facts(all, { answers }), toSeen)).toBeNull();
});

test.each<[string, Happened]>([
  ["a denied request", { type: "request.denied", actor: "U0APPROVER", request: "r-1" }],
  ["a request that expired", { type: "request.expired", actor: "worker", request: "r-1" }],
])("%s begins the story anew", (_name, lost) => {
  expect(step(facts([asked, lost]))).toBe("ask");
});

test("another person's request and another's emergency are not the reader's", () => {
  expect(step(facts([{ ...asked, actor: "U0ONCALL" }]))).toBe("ask");
  expect(step(facts([asked, approved, active, ended, { ...taken, actor: "U0ENGINEER" }]), ["works", "gone"])).toBe(
    "emergency",
  );
});

test("a step to look at waits until the thing is there", () => {
  const looking = tourSteps.find(({ id }) => id === "works");

  expect(looking?.isDone(facts([asked, approved, active]))).toBe(false);
  expect(looking?.isDone(facts([asked, approved, active], { kubectlWorks: true }))).toBe(true);
});

test("each step leads to its person and place first, and then to its control", () => {
  const viewer = { as: engineer, place: channel, at: "staging" };
  const points = (id: string, change: Partial<typeof viewer> = {}) =>
    tourSteps.find((each) => each.id === id)?.points({ ...viewer, ...change });

  expect(points("approve")).toEqual(['#who a[href*="as=U0APPROVER&"]']);
  expect(points("done")).toEqual(['#places a[href*="in=direct&"]']);
  expect(points("done", { place: "direct" })).toContain('#messages [data-opens$="-done"]');
});

test("a closed tour continues where it was; a finished one begins again", () => {
  const viewer = { as: engineer, place: channel, at: "staging" };
  const shown = () => [tourOffer(livePage).markup, tourCard(livePage, viewer).markup].join("");
  const first = shown();
  livePage.tour.open({ sequence: 0, at: 0 });
  livePage.tour.see("works");
  const open = shown();
  livePage.tour.leave();
  const left = shown();
  livePage.tour.open({ sequence: 99, at: 0 });
  const back = livePage.tour.state();
  livePage.tour.finish();

  expect(first).toContain("Take the tour");
  expect(open).toContain(`Step 1 of ${tourSteps.length}`);
  expect(left).toContain("Continue the tour");
  expect(back).toMatchObject({ began: { sequence: 0 }, seen: ["works"] });
  expect(shown()).toBe(first);
});
