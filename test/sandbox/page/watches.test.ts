import { afterAll, beforeAll, expect, test } from "vitest";
import { addTeam } from "../../../sandbox/page/live/incidents.ts";
import { type DocumentWatch, oneAtATime, watchDocument, watchKubectl } from "../../../sandbox/page/live/watches.ts";
import { documentPanel, linesOf } from "../../../sandbox/page/panels.ts";
import { type Sandbox, startSandbox } from "../../../sandbox/sandbox.ts";
import { arns } from "../../../sandbox/scene.ts";

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
