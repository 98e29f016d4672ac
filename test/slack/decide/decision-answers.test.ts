import { describe, expect, test } from "vitest";
import type { DecisionRefusal } from "../../../src/access/decide.ts";
import { clickAnswer, oneOfSeveralAnswer } from "../../../src/slack/decide/decision-click.ts";
import { endedAnswer, revokeModal } from "../../../src/slack/decide/end-access.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aLeasedRequest, aRequest } from "../../builders/a-request.ts";
import { longestStates } from "../../builders/longest-states.ts";
import { states } from "../../builders/states.ts";

const approver = { user: "U0APPROVER", memberships: [] };
const both = ["U0APPROVER", "U0APPROVER2"];

describe("a click that decides nothing", () => {
  test.each<[DecisionRefusal, string]>([
    [
      "already-decided",
      "Already handled. Denied by <@U0APPROVER> <!date^1772355720^{date_short_pretty} {time}|2026-03-01 09:02:00 UTC>: use `*staging-2*`.",
    ],
    ["expired", "This request expired."],
    ["self-approval", "You can't decide about your own request. Ask <@U0APPROVER> or <@U0APPROVER2>."],
    ["not-an-approver", "Only approvers of `viewer` on `staging` can do this. Ask <@U0APPROVER> or <@U0APPROVER2>."],
    ["no-preview", "The worker must check the cluster first. Try again in a minute."],
    ["change-differs", "The change is different now. Read it again, then decide."],
  ])("%s learns why", (code, sentence) => {
    expect(clickAnswer(code, states.denied ?? aRequest(), aCluster(), approver, both).text).toBe(sentence);
  });

  test("says to a requester who is the only approver that there is no other", () => {
    const answer = clickAnswer("self-approval", aRequest(), aCluster(), approver, []);

    expect(answer.text).toBe("You can't decide about your own request. Ask an operator to add approvers.");
  });

  test.each(Object.entries({ ...states, ...longestStates }))(
    "never says two full stops, whatever came of it: %s",
    (_, request) => {
      const { text } = clickAnswer("already-decided", request, aCluster(), approver, both);

      expect(text).not.toMatch(/\.\.$/);
    },
  );
});

test("however many leases end with one, the form and the answer say that there are more, and end their sentence", () => {
  const others = Array.from({ length: 2_000 }, (_, index) => `r-${index}`);
  const request = aLeasedRequest({});

  const form = JSON.stringify(revokeModal(request, others).blocks[0]);
  const said = endedAnswer(request, others).text;

  expect(form).toMatch(/`r-1`, .*, \d+ more, which is the same access\."/);
  expect(said).toMatch(/`r-1`, .*, \d+ more\. The request messages will confirm\.$/);
});

describe("where several have to approve", () => {
  const waiting = states["waiting for a second approver"] ?? aRequest();

  test("a click that was not the last one shows what is missing, and who can", () => {
    expect(oneOfSeveralAnswer(waiting, ["U0APPROVER2"]).text).toBe(
      "Approved. Needs 1 more approval, from <@U0APPROVER2>.",
    );
  });

  test("a second click of the same person learns that it counts once", () => {
    expect(clickAnswer("approved-already", waiting, aCluster(), approver, ["U0APPROVER2"]).text).toBe(
      "You approved it already. Needs 1 more approval, from <@U0APPROVER2>.",
    );
  });

  test("and no one is left, the answer says so", () => {
    expect(oneOfSeveralAnswer(waiting, []).text).toContain("no one can give it. Ask an operator");
  });
});
