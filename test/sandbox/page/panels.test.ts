import { afterAll, beforeAll, expect, test } from "vitest";
import { Faults } from "../../../sandbox/faults.ts";
import { addTeam, armedTrouble, lastingTrouble, oneTimeTrouble } from "../../../sandbox/page/live/incidents.ts";
import { type DocumentWatch, oneAtATime, watchDocument, watchKubectl } from "../../../sandbox/page/live/watches.ts";
import { documentPanel, linesOf, troublesPanel } from "../../../sandbox/page/panels.ts";
import { type Sandbox, startSandbox } from "../../../sandbox/sandbox.ts";
import { arns } from "../../../sandbox/scene.ts";

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
  const plan = (struck: () => void) => faults.plan("sts.AssumeRole", { type: "watch" }, { onStrike: struck });
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
  expect(markup).toMatch(/<button [^>]*aria-label="Undo it \(X\)"[^>]*>Undo it<\/button>/);
  expect(markup).toContain('<li class="gone"><b>worker</b> not running');
});

let sandbox: Sandbox;
let document: DocumentWatch;
let kubectl: ReturnType<typeof watchKubectl>;

beforeAll(async () => {
  sandbox = await startSandbox();
  document = watchDocument(sandbox.cluster, () => {});
  kubectl = watchKubectl(sandbox, () => {});
});

afterAll(() => sandbox.stop());

const getsIn = () => Object.fromEntries(kubectl.states().map(({ name, answer }) => [name, answer?.ok]));

test("kubectl shows who gets in, and a change of the document asks again", async () => {
  await kubectl.run();
  const before = getsIn();

  await document.edit((configMap) => ({
    ...configMap,
    data: {
      ...configMap.data,
      mapUsers: `- userarn: ${arns.onCall}\n  username: on-call\n  groups: [system:masters]\n`,
    },
  }));
  await kubectl.run();

  expect(before).toMatchObject({ engineer: false, approver: true, "on-call": false });
  expect(getsIn()).toMatchObject({ engineer: false, approver: true, "on-call": true });
  expect(kubectl.states().find(({ name }) => name === "on-call")?.turns).toBe(1);
});

test("the document shows its last change and its author", async () => {
  await document.edit(addTeam);
  const { markup } = documentPanel(document.state(), new Date());

  expect(markup).toContain("a person with kubectl edit</b>, just now");
  expect(markup.match(/<ins>.*role\/auditors/)).not.toBeNull();
  expect(markup).not.toContain("<del>");
});

test("a write of the product is the worker's, and its removals are shown", () => {
  sandbox.cluster.editAwsAuth(
    ({ data, ...rest }) => ({ ...rest, data: { mapRoles: data?.mapRoles ?? "" } }),
    "eks-access",
  );
  const { markup } = documentPanel(document.state(), new Date());

  expect(document.state().last?.by).toBe("the worker");
  expect(markup).toMatch(/<del>.*user\/on-call/);
});

test("an absent ConfigMap has no lines, and the panel says so", () => {
  expect(linesOf(null)).toEqual([]);
  expect(documentPanel({ now: null, before: null, last: null }, new Date()).markup).toContain("There is no ConfigMap");
});

test("while it runs, any number of calls become one more run", async () => {
  const gates: (() => void)[] = [];
  const run = oneAtATime(() => new Promise<void>((resolve) => void gates.push(resolve)));

  const first = run();
  const [second, third] = [run(), run()];
  const begun = gates.length;
  gates[0]?.();
  await first;
  await new Promise((resolve) => setImmediate(resolve));
  gates[1]?.();
  await Promise.all([second, third]);

  expect([begun, gates.length]).toEqual([1, 2]);
});
