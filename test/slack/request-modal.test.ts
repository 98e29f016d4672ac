import type { ViewOutput } from "@slack/bolt";
import { describe, expect, test } from "vitest";
import { problemsOfView } from "../../src/sandbox/slack/block-limits.ts";
import { partsOf, requestModal } from "../../src/slack/request-modal.ts";
import { aCluster, aLevel, clustersOf } from "../builders/a-cluster.ts";

function manyClusters(count: number) {
  return clustersOf(
    ...Array.from({ length: count }, (_, index) =>
      aCluster({
        name: `c${index}`.padEnd(63, "x"),
        levels: [aLevel({ name: `l${index}`.padEnd(63, "x") })],
      }),
    ),
  );
}

describe("the form", () => {
  test.each([1, 2, 100, 101, 300])("with %d clusters is one that Slack takes", (count) => {
    const view = requestModal(manyClusters(count), { principal: `arn:aws:iam::111122223333:user/${"p".repeat(600)}` });

    expect(problemsOfView(view)).toEqual([]);
  });

  test("with more clusters than a list of Slack holds says so, and how to ask for the others", () => {
    const hundred = JSON.stringify(requestModal(manyClusters(100), { principal: null }));
    const more = JSON.stringify(requestModal(manyClusters(130), { principal: null }));

    expect(hundred).not.toContain("For any other write");
    expect(more).toContain("The list has 100 of 130 clusters. For any other write");
  });

  test("has the only cluster chosen, and the principal that the person named last", () => {
    const view = requestModal(clustersOf(aCluster({ levels: [aLevel(), aLevel({ name: "admin" })] })), {
      principal: "arn:aws:iam::111122223333:user/engineer",
    });

    const [cluster, level, principal] = view.blocks;

    expect(cluster).toMatchObject({ element: { initial_option: { value: "staging" } } });
    expect(level).not.toHaveProperty("element.initial_option");
    expect(principal).toMatchObject({ element: { initial_value: "arn:aws:iam::111122223333:user/engineer" } });
  });
});

test("what was chosen and typed is read part by part, and what was left empty as nothing", () => {
  const view = {
    state: {
      values: {
        cluster: { value: { type: "static_select", selected_option: { value: "staging" } } },
        level: { value: { type: "static_select", selected_option: { value: "viewer" } } },
        principal: { value: { type: "plain_text_input", value: " arn:aws:iam::111122223333:user/engineer\n" } },
        duration: { value: { type: "plain_text_input", value: null } },
        reason: { value: { type: "plain_text_input", value: "why" } },
      },
    },
  } as unknown as ViewOutput;

  expect(partsOf(view)).toEqual({
    cluster: "staging",
    level: "viewer",
    principal: "arn:aws:iam::111122223333:user/engineer",
    duration: "",
    reason: "why",
  });
});
