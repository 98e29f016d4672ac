import { expect, test } from "vitest";
import { narrate } from "../../../sandbox/demo/narration.ts";

const call = (name: string) => ({ call: name, status: 200, milliseconds: 1, by: undefined }) as const;

function story() {
  const written: string[] = [];
  const narration = narrate({ write: (text) => written.push(text), colour: false });
  return { narration, told: () => written.join("") };
}

test("a call from before its step is shown with the next calls, and once", () => {
  const { narration, told } = story();
  narration.step("Somebody clicks");
  narration.called(call("sts.AssumeRole"));
  narration.step("The worker works");
  narration.called(call("eks.DescribeCluster"));

  narration.calls(() => true);
  narration.calls(() => true);

  expect(told().match(/→ \S+/g)).toEqual(["→ sts.AssumeRole", "→ eks.DescribeCluster"]);
});

test("what the processes asked while they started is no part of the story", () => {
  const { narration, told } = story();
  narration.called(call("sts.GetCallerIdentity"));

  narration.step("On-call asks");
  narration.calls(() => true);

  expect(told()).not.toContain("→");
});
