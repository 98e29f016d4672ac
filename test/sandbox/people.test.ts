import { afterAll, beforeAll, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { principals } from "../../sandbox/scene.ts";

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox();
});

afterAll(() => sandbox.stop());

test("everyone of the workspace is a principal in AWS", () => {
  expect(sandbox.slack.people.filter(({ id }) => !sandbox.aws.account.identity(principals[id] ?? ""))).toEqual([]);
});

test("kubectl admits exactly the people in the document", async () => {
  const getsIn: Record<string, boolean> = {};

  for (const { id } of sandbox.slack.people) getsIn[id] = (await sandbox.getPods(id)).ok;

  expect(getsIn).toEqual({ U0ENGINEER: false, U0APPROVER: true, U0APPROVER2: true, U0ONCALL: false });
});
