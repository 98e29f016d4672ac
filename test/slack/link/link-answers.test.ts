import { expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { linkOutcome, linkRefusedAnswer, linkStateAnswer, proposedAnswer } from "../../../src/slack/link/link.ts";
import { linkDecided, linkQuestion } from "../../../src/slack/link/link-questions.ts";
import { at } from "../../builders/times.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

const arn = "arn:aws:iam::111122223333:role/developers";
const proposal = { id: "r-1", user: "U0ENGINEER", arn, at: at(0).toISOString() };

test("an administrator sees which principal a person wants, and had so far", () => {
  expect(textOfBlocks(linkQuestion(proposal, null))).toMatchInlineSnapshot(`
    "*<@U0ENGINEER> asks to link to \`arn:aws:iam::111122223333:role/developers\`*
    Current link: none. Confirm only what you know is theirs.
    [Confirm] [Refuse]"
  `);
  expect(JSON.stringify(linkQuestion(proposal, null))).toContain(`"accessibility_label":"Refuse: ${arn}"`);
});

test("the question becomes what was decided, and the person learns it", () => {
  expect(linkDecided(proposal, true, "U0ADMIN").text).toMatchInlineSnapshot(
    `"<@U0ENGINEER> is linked to \`arn:aws:iam::111122223333:role/developers\`: confirmed by <@U0ADMIN>"`,
  );
  expect(linkOutcome(arn, false, "U0ADMIN").text).toMatchInlineSnapshot(
    `"<@U0ADMIN> refused your link to \`arn:aws:iam::111122223333:role/developers\`. Ask them why."`,
  );
});

test("a person who waits for a confirmation sees what waits", () => {
  expect(linkStateAnswer([], proposal).text).toMatchInlineSnapshot(
    `
    "No linked AWS identity.
    \`arn:aws:iam::111122223333:role/developers\` has waited since <!date^1772355600^{date_short_pretty} {time}|2026-03-01 09:00:00 UTC> for an administrator.
    \`aws sts get-caller-identity\` prints yours; \`/eks-access link &lt;arn&gt;\` saves it."
  `,
  );
});

test("where no direct message came, the administrators are named", () => {
  expect(proposedAnswer(arn, [], ["U0ADMIN"]).text).toMatchInlineSnapshot(
    `"An administrator must confirm your link to \`arn:aws:iam::111122223333:role/developers\`. Couldn't reach an administrator. Try again in ten minutes, or ask <@U0ADMIN>."`,
  );
});

test("Slack takes each of them with the longest ARN and the most administrators", () => {
  const long = `arn:aws:iam::111122223333:user/${"&".repeat(512)}/${"n".repeat(64)}`;
  const many = Array.from({ length: 300 }, (_, index) => `U0${"A".repeat(20)}${index}`);
  const messages = [
    linkQuestion({ ...proposal, arn: long, user: "U".repeat(30) }, long),
    linkStateAnswer(
      Array.from({ length: 300 }, () => ({ arn: long, needsRenewal: true })),
      { ...proposal, arn: long },
    ),
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
