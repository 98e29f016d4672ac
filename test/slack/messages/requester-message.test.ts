import { expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../src/sandbox/slack/block-limits.ts";
import { milestoneOf } from "../../../src/slack/messages/requester-message.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { longestStates } from "../../builders/longest-states.ts";
import { states } from "../../builders/states.ts";
import { textOfBlocks } from "./text-of-blocks.ts";

test.each(Object.entries(states))("the requester is told of a request that is %s", (_, request) => {
  const milestone = milestoneOf(request, aCluster());

  expect(milestone && `${milestone.name}\n\n${textOfBlocks(milestone.message)}`).toMatchSnapshot();
});

test("each thing that is told has a name of its own, so that each is told once", () => {
  const names = Object.values(states).flatMap((request) => milestoneOf(request, aCluster())?.name ?? []);
  const endings = names.filter((name) => name === "ended");

  expect(new Set(names).size).toBe(names.length - (endings.length - 1));
});

test.each(Object.entries(longestStates))(
  "Slack takes what the requester is told of a request that is %s",
  (_, request) => {
    const { blocks, text } = milestoneOf(request, aCluster())?.message ?? { blocks: [], text: "" };

    expect(problemsOf(blocks)).toEqual([]);
    expect(lengthOfText(blocks)).toBeLessThan(longestText);
    expect(text.length).toBeLessThan(4_000);
  },
);

test("how to sign in is left out where the cluster is not configured any more", () => {
  const text = milestoneOf(states.active ?? expect.fail("there is no such state"), undefined)?.message.text;

  expect(text).toContain("is active until");
  expect(text).not.toContain("Sign in with");
});
