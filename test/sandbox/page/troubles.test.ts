import { expect, test } from "vitest";
import { Faults } from "../../../sandbox/faults.ts";
import { armedTrouble, lastingTrouble, oneTimeTrouble } from "../../../sandbox/page/live/incidents.ts";
import { troublesPanel } from "../../../sandbox/page/panels.ts";

const words = { id: "x", title: "X", explains: "Something happens.", does: "Do it", undoes: "Undo it" };
const nothing = async () => {};

test("a deed happens at once, is counted, and can be blocked with a reason", async () => {
  let blocked: string | undefined;
  const trouble = oneTimeTrouble(words, nothing, () => blocked);

  await trouble.start();
  blocked = "Not now.";

  expect(trouble.state()).toMatchObject({ state: "off", struck: 1, blocked: "Not now." });
});

test("what lasts is begun once and ended once, however often one asks", async () => {
  const calls: string[] = [];
  const trouble = lastingTrouble(words, {
    begin: async () => void calls.push("begin"),
    end: async () => void calls.push("end"),
  });

  for (const act of [trouble.start, trouble.start, trouble.stop, trouble.stop]) await act();

  expect(calls).toEqual(["begin", "end"]);
  expect(trouble.state()).toMatchObject({ state: "off", struck: 1 });
});

test("what can be seen elsewhere is in force as long as it is seen there", async () => {
  let isThere = false;
  const trouble = lastingTrouble(words, { begin: nothing, end: nothing, isOn: () => isThere });

  await trouble.start();
  const before = trouble.state().state;
  isThere = true;

  expect([before, trouble.state().state]).toEqual(["off", "on"]);
});

test("a trap waits for its call, strikes once, and is shown", async () => {
  const faults = new Faults();
  let told = 0;
  const plan = (struck: (isOver: boolean) => void) =>
    faults.plan("sts.AssumeRole", { type: "watch" }, { onStrike: () => struck(true) });
  const trouble = armedTrouble(words, plan, () => {
    told += 1;
  });

  await trouble.start();
  await trouble.start();
  const waiting = trouble.state().state;
  await faults.meet("sts.AssumeRole");
  await faults.meet("sts.AssumeRole");

  expect(waiting).toBe("armed");
  expect(trouble.state()).toMatchObject({ state: "off", struck: 1 });
  expect(told).toBe(1);
});

test("a trap that is called off does not strike", async () => {
  const faults = new Faults();
  const plan = () => faults.plan("sts.AssumeRole", { type: "cut-before" });
  const trouble = armedTrouble(words, plan, () => {});

  await trouble.start();
  await trouble.stop();

  expect(await faults.meet("sts.AssumeRole")).toBeUndefined();
  expect(trouble.state().state).toBe("off");
});

test("the panel says what is in force, and how to take back which of them", () => {
  const state = { ...words, state: "on" as const, struck: 2, blocked: undefined };
  const gone = { name: "worker", pid: 0, state: "gone" as const, starts: 1 };

  const { markup } = troublesPanel([state], [gone]);

  expect(markup).toContain("in force, struck 2 times");
  expect(markup).toMatch(/<button [^>]*aria-label="Undo it: X"[^>]*>Undo it<\/button>/);
  expect(markup).toContain('<li class="gone"><b>worker</b> not running');
});
