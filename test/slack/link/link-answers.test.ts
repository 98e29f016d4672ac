import { expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import {
  linkDecided,
  linkOutcome,
  linkQuestion,
  linkRefusedAnswer,
  linkStateAnswer,
  proposedAnswer,
} from "../../../src/slack/link/link.ts";
import { at } from "../../builders/times.ts";
import { textOfBlocks } from "../blocks/text-of-blocks.ts";

const arn = "arn:aws:iam::111122223333:role/developers";
const proposal = { id: "r-1", user: "U0ENGINEER", arn, at: at(0).toISOString() };

test("an administrator is asked with whom somebody wants to be linked, and was so far", () => {
  expect(textOfBlocks(linkQuestion(proposal, null))).toMatchInlineSnapshot(`
    "*<@U0ENGINEER> asks to be linked with \`arn:aws:iam::111122223333:role/developers\`*
    Linked so far: with nothing. Confirm only what you know to be theirs: rules may go by it.
    [Confirm] [Refuse]"
  `);
});

test("the question becomes what was decided, and the person is told", () => {
  expect(linkDecided(proposal, true, "U0ADMIN").text).toMatchInlineSnapshot(
    `"<@U0ENGINEER> is linked with \`arn:aws:iam::111122223333:role/developers\`: confirmed by <@U0ADMIN>"`,
  );
  expect(linkOutcome(arn, false, "U0ADMIN").text).toMatchInlineSnapshot(
    `"<@U0ADMIN> did not confirm that you go by \`arn:aws:iam::111122223333:role/developers\`. Ask them why; nothing has changed."`,
  );
});

test("whoever waits is told how it stands", () => {
  expect(linkStateAnswer(null, proposal, false).text).toMatchInlineSnapshot(
    `"You are linked with no principal yet. \`arn:aws:iam::111122223333:role/developers\` waits for an administrator since <!date^1772355600^{date_short_pretty} {time}|2026-03-01T09:00:00.000Z>. \`/eks-access link &lt;arn&gt;\` changes it; \`aws sts get-caller-identity\` shows your ARN."`,
  );
});

test("where no direct message came, the administrators are named", () => {
  expect(proposedAnswer(arn, [], ["U0ADMIN"]).text).toMatchInlineSnapshot(
    `"An administrator has to confirm that you go by \`arn:aws:iam::111122223333:role/developers\`. None of them could be reached by a direct message; try again in ten minutes, or tell one of them: <@U0ADMIN>. Until then nothing changes."`,
  );
});

test("Slack takes each of them with the longest ARN and the most administrators", () => {
  const long = `arn:aws:iam::111122223333:user/${"&".repeat(512)}/${"n".repeat(64)}`;
  const many = Array.from({ length: 300 }, (_, index) => `U0${"A".repeat(20)}${index}`);
  const messages = [
    linkQuestion({ ...proposal, arn: long, user: "U".repeat(30) }, long),
    linkStateAnswer(long, { ...proposal, arn: long }, true),
    proposedAnswer(long, many, many),
    proposedAnswer(long, [], many),
    linkRefusedAnswer("&".repeat(20_000)),
    linkOutcome(long, true, "U0ADMIN"),
  ];

  for (const { blocks } of messages) {
    expect(problemsOf(blocks)).toEqual([]);
    expect(lengthOfText(blocks)).toBeLessThan(longestText);
  }
});
